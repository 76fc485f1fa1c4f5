"""Choosing the runs to compare, and their predictions for the same images: kept, or requested."""

from collections.abc import Sequence
from functools import partial

import streamlit as st

from app import boundary
from app.cache.results import job_seconds, predictions_of
from app.session import Key, remember, remembered
from app.shared import job_offer
from app.shared.address import keep_in_address, left_out, say_left_out, start_from_address
from cifar_core.runs import Run, RunRow, Store
from cifar_core.runs.results.predictions import Part, Predictions, job
from cifar_core.runs.store.run_job import RunJob

MOST = 9  # runs that can be distinguished in one chart


def choose_runs(store: Store, rows: Sequence[RunRow]) -> list[Run]:
    """Draw the choice of runs, which the address keeps; name those that cannot be shown."""
    titles = {str(row.number): f"#{row.number} {row.name}" for row in rows}
    asked = [word for word in st.query_params.get("runs", "").split(",") if word]
    start_from_address("runs", titles, several=True)
    st.session_state["runs"] = st.session_state.get("runs", [])[:MOST]
    chosen = st.multiselect(
        "Runs", list(titles), format_func=titles.__getitem__, key="runs", max_selections=MOST,
        placeholder="Add a run", label_visibility="collapsed",
    )  # fmt: skip
    say_left_out(left_out("runs", titles))
    if len(asked) > MOST:
        st.caption(f"Only the first {MOST} runs are compared.")
    keep_in_address("runs", chosen, [])
    return [store.run(number) for number in chosen]


def kept_predictions(runs: Sequence[Run], part: Part) -> list[Predictions]:
    """Return the predictions of the runs' best weights, of those runs that have them."""
    predictions = [best_predictions(run, part) for run in runs]
    return [kept for kept in predictions if kept is not None]


def best_predictions(run: Run, part: Part) -> Predictions | None:
    """Return the kept predictions of a run's best weights."""
    return predictions_of(run, run.checkpoint("best").name, part)


def ask_for(runs: Sequence[Run], part: Part) -> None:
    """Remember that the runs' predictions are wanted; they are computed one run at a time."""
    remember(Key.COMPARE_REQUEST, (part, tuple(run.id for run in runs)))


def offer_predictions(runs: Sequence[Run], part: Part, images: str) -> None:
    """Compute the missing predictions, one run at a time: if that takes long, after a click."""
    request = (part, tuple(run.id for run in runs))
    if remembered(Key.COMPARE_DECLINED) != request and is_quick(runs, part):
        ask_for(runs, part)
    requested = remembered(Key.COMPARE_REQUEST) == request
    boundary.fragment(draw_offer, run_every=job_offer.POLL if requested else None)(
        runs, part, images, request
    )


def is_quick(runs: Sequence[Run], part: Part) -> bool:
    """Whether the missing predictions take so short a time that no one has to ask for them."""
    seconds = 0.0
    for run in runs:
        if best_predictions(run, part) is not None:
            continue
        if job(run, part).error:
            return False
        data = run.environment.data
        count = data.test_images if part == "test" else data.val_images
        seconds += job_seconds(str(run.path), run.checkpoint("best").name, count)
        if seconds >= job_offer.UNASKED:
            return False
    return True


def draw_offer(runs: Sequence[Run], part: Part, images: str, request: object) -> None:
    """Draw the button or the progress once; repeated until all predictions are there."""
    waiting = [run for run in runs if best_predictions(run, part) is None]
    if not waiting:
        remember(Key.COMPARE_REQUEST, None)
        st.rerun()
    work, title = job(waiting[0], part), f"#{waiting[0].number}"
    if remembered(Key.COMPARE_REQUEST) == request and not work.error:
        # it may have ended just now
        if not work.is_done and not job_offer.tried(work.begin):
            remember(Key.COMPARE_DECLINED, request)
            remember(Key.COMPARE_REQUEST, None)
        elif job_offer.progress(
            work, key="predictions", title=title, before=len(runs) - len(waiting), jobs=len(runs),
            on_cancel=partial(cancel, work),
        ):  # fmt: skip
            st.rerun()
        return
    runs_left = "run has" if len(waiting) == 1 else "runs have"
    about = f"{len(waiting)} {runs_left} to classify these images first (once, in the background)."
    label = f"Compare on the {images} images"
    if job_offer.draw(work, label, about, key="predictions", title=title):
        ask_for(runs, part)
        st.rerun()


def cancel(work: RunJob) -> None:
    """Stop the computation that runs now, and start no other."""
    remember(Key.COMPARE_DECLINED, remembered(Key.COMPARE_REQUEST))
    remember(Key.COMPARE_REQUEST, None)
    work.stop()
