"""Choosing the runs to compare, and their answers to the same images: kept, or asked for."""

from collections.abc import Sequence
from functools import partial

import streamlit as st

from app import theme
from app.cache.results import answers_of
from app.session import Key, remember, remembered
from app.shared import job_offer
from app.shared.address import keep_in_address, start_from_address
from cifar_core.background.jobs import Job
from cifar_core.runs import Run, RunRow, Store
from cifar_core.runs.results.predictions import Part, Predictions, job

MOST = 9  # runs that can be told apart on one chart


def choose_runs(store: Store, rows: Sequence[RunRow]) -> list[Run]:
    """Draw the chips of the runs, which the address keeps; say which of its runs are not here."""
    titles = {str(row.number): f"#{row.number} {row.name}" for row in rows}
    asked = [word for word in st.query_params.get("runs", "").split(",") if word]
    start_from_address("runs", titles, several=True)
    st.session_state["runs"] = st.session_state.get("runs", [])[:MOST]
    chosen = st.multiselect(
        "Runs", list(titles), format_func=titles.__getitem__, key="runs", max_selections=MOST,
        placeholder="Add a run", label_visibility="collapsed",
    )  # fmt: skip
    if missing := [word for word in asked if word not in titles]:
        names = ", ".join(theme.safe(f"#{word}") for word in missing)
        st.caption(f"Left out, because it has no result or is not in this store: {names}.")
    if len(asked) > MOST:
        st.caption(f"The first {MOST} runs are compared.")
    keep_in_address("runs", chosen, [])
    return [store.run(number) for number in chosen]


def answers(runs: Sequence[Run], part: Part) -> list[Predictions]:
    """Return those of the answers of the runs' best weights that are kept."""
    found = [best_answers(run, part) for run in runs]
    return [each for each in found if each is not None]


def best_answers(run: Run, part: Part) -> Predictions | None:
    """Return the kept answers of a run's best weights."""
    return answers_of(run, run.checkpoint("best").name, part)


def ask_for(runs: Sequence[Run], part: Part) -> None:
    """Remember that the runs' answers are wanted, so that they are computed one after the other."""
    remember(Key.ANSWERING, (part, tuple(run.id for run in runs)))


def offer_answers(runs: Sequence[Run], part: Part, images: str) -> None:
    """Draw the button that has the missing answers computed one run after the other."""
    wanted = (part, tuple(run.id for run in runs))
    asked = remembered(Key.ANSWERING) == wanted
    st.fragment(draw_offer, run_every=job_offer.POLL if asked else None)(runs, part, images, wanted)


def draw_offer(runs: Sequence[Run], part: Part, images: str, wanted: object) -> None:
    """Draw one look at how far the answers are."""
    waiting = [run for run in runs if best_answers(run, part) is None]
    if not waiting:
        remember(Key.ANSWERING, None)
        st.rerun()
    work, title = job(waiting[0], part), f"#{waiting[0].number}"
    if remembered(Key.ANSWERING) == wanted and not work.error:
        if not work.is_done:  # it may have ended just now
            work.start()
        if job_offer.progress(
            work, key="answers", title=title, before=len(runs) - len(waiting), jobs=len(runs),
            on_cancel=partial(cancel, work),
        ):  # fmt: skip
            st.rerun()
        return
    about = f"{theme.plural(len(waiting), 'run')} must answer them first, once, in the background."
    label = f"Compare on the {images} images"
    if job_offer.draw(work, label, about, key="answers", title=title):
        ask_for(runs, part)
        st.rerun()


def cancel(work: Job) -> None:
    """End what is computed, and ask for no more of it."""
    remember(Key.ANSWERING, None)
    work.cancel()
