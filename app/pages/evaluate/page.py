"""The Evaluate page: how good a trained network is, where it errs, and how sure it should be."""

from collections.abc import Sequence

import streamlit as st

from app import theme
from app.cache.results import pass_seconds
from app.navigation import link
from app.pages.evaluate.evaluated import PARTS, Evaluated, judged
from app.pages.evaluate.mistakes import mistakes
from app.pages.evaluate.over_time import over_time
from app.pages.evaluate.tabs import by_class, calibrated, confused, covered, robust_to
from app.session import Key, remember, remembered, store
from app.shared.address import keep_in_address, start_from_address
from app.shared.job_offer import offer
from cifar_core.errors import CifarError
from cifar_core.runs import Run
from cifar_core.runs.results import predictions
from cifar_core.runs.results.predictions import Part
from cifar_core.runs.results.test_looks import TestLook, count_look, looks, sentence

MOST_LOOKS = 12  # that are listed
UNASKED = 30.0  # seconds that answering the validation images may take without a question
TABS = {
    "Mistakes": mistakes,
    "Confusion": confused,
    "Classes": by_class,
    "Calibration": calibrated,
    "Coverage": covered,
    "Robustness": robust_to,
    "Over time": over_time,
}


def page() -> None:
    """Draw the run that the address names."""
    st.header("Evaluate", anchor=False)
    rows = [row for row in store().runs() if row.best_val_accuracy is not None]
    if not rows:
        st.markdown("Nothing has been trained yet.")
        link("new_run", "Set up a run", ":material/play_arrow:", preset="smoke")
        return
    titles = {
        str(row.number): f"#{row.number} {row.name}, {theme.percent(row.best_val_accuracy)}"
        for row in rows
    }
    try:
        run, checkpoint, part = choose(titles)
        if part == "val" or revealed(run, checkpoint):
            draw(run, checkpoint, part)
    except CifarError as error:
        st.error(theme.safe(str(error)), icon=":material/error:")


def choose(titles: dict[str, str]) -> tuple[Run, str, Part]:
    """Draw the choice of run, checkpoint and part, which the address keeps."""
    if "id" not in st.query_params:  # coming back with the browser's button, the address is lost
        for stray in ("run", "image"):
            st.query_params.pop(stray, None)
        st.query_params["id"] = remembered(Key.EVALUATED, "")
    start_from_address("id", titles)
    with st.grid(3, min_column_width=220, gap="small"):
        number = st.selectbox("Run", list(titles), format_func=titles.__getitem__, key="id")
        st.query_params["id"] = number
        remember(Key.EVALUATED, number)
        run = store().run(number)
        names = {"best": f"Best epoch, {run.checkpoint('best').epoch:g}"}
        names |= {i.name: f"Epoch {i.epoch:g}" for i in run.checkpoints() if not i.best}
        start_from_address("checkpoint", names)
        checkpoint = st.selectbox(
            "Weights", list(names), format_func=names.__getitem__, key="checkpoint"
        )
        keep_in_address("checkpoint", checkpoint, "best")
        start_from_address("part", PARTS)
        titles_of = {part: words.capitalize() for part, words in PARTS.items()}
        part = st.segmented_control(
            "Images", list(titles_of), format_func=titles_of.__getitem__, required=True,
            default=None if "part" in st.session_state else "val", key="part",
        ) or "val"  # fmt: skip
        keep_in_address("part", part, "val")
    return run, run.checkpoint(checkpoint).name, part


def revealed(run: Run, checkpoint: str) -> bool:
    """Tell whether the person wants to see the test images' answers; each time is counted."""
    seen: frozenset[str] = remembered(Key.REVEALED, frozenset())
    found = looks(run)
    if run.id in seen:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.caption(f":material/visibility: {sentence(len(found))}", width="content")
            who_looked(found)
        return True
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(sentence(len(found)), width="content")
            who_looked(found)
        st.caption("Each look, and each choice made after it, makes the test accuracy less of a "
                   "surprise, and so less of a test.")  # fmt: skip
        if st.button("TestLook at the test images", icon=":material/visibility:", key="reveal"):
            count_look(run, "the page", checkpoint)
            remember(Key.REVEALED, seen | {run.id})
            st.rerun()
    return False


def who_looked(found: Sequence[TestLook]) -> None:
    """Offer the list of the looks, newest first."""
    if not found:
        return
    newest = found[: -MOST_LOOKS - 1 : -1]
    rows = {
        "When": [theme.clock(look.at) if look.at else theme.NONE for look in newest],
        "Who": [theme.safe(look.by) or theme.NONE for look in newest],
        "From": [theme.safe(look.where) for look in newest],
    }
    with st.popover("Who looked", type="tertiary"):
        st.table(rows, border="horizontal", hide_index=True, alt="Looks, newest first")
        if len(found) > MOST_LOOKS:
            st.caption(f"The newest {MOST_LOOKS}; all of them are in looks.json.")


def draw(run: Run, checkpoint: str, part: Part) -> None:
    """Draw the figures and the tabs, or have the images answered first."""
    found = judged(run, checkpoint, part)
    if found is None:
        answer_first(run, checkpoint, part)
        return
    headline(found)
    for tab, show in zip(
        st.tabs(list(TABS), on_change="rerun", key="judgements"), TABS.values(), strict=True
    ):
        if tab.open:
            with tab:
                show(found)


def answer_first(run: Run, checkpoint: str, part: Part) -> None:
    """Have the images answered: at once if that is quick, else when the person says so."""
    errand = predictions.errand(run, part, checkpoint)
    data = run.environment.data
    count = data.test_images if part == "test" else data.val_images
    seconds = count * pass_seconds(str(run.path), checkpoint)
    if seconds < UNASKED and not errand.error:
        errand.start()
    about = f"about {theme.duration(seconds)}, once"
    offer(errand, f"Answer {theme.count(count)} {PARTS[part]} images", about, key="answer")


def headline(found: Evaluated) -> None:
    """Draw the five numbers that most people look for."""
    scores = found.scores
    with st.grid(5, min_column_width=150):
        card(
            "Top-1 accuracy", theme.percent(scores.top1.share), theme.between(scores.top1.interval)
        )
        card(
            "Top-3 accuracy", theme.percent(scores.top3.share), theme.between(scores.top3.interval)
        )
        card("Loss", f"{scores.loss:.3f}", found.images)
        worst = min(range(len(scores.classes)), key=lambda k: scores.classes[k].f1)
        name = theme.safe(found.given.classes[worst])
        card("Macro F1", theme.percent(scores.macro_f1),
             f"lowest: {name} {theme.percent(scores.classes[worst].f1)}")  # fmt: skip
        card("Calibration error", theme.percent(scores.reliability.ece), with_temperature(found))


def with_temperature(found: Evaluated) -> str:
    """Say what the calibration error is with the temperature, if that is known."""
    if found.temperature is None:
        return theme.NONE
    return f"{theme.percent(found.scaled.reliability.ece)} at T = {found.temperature:.2f}"


def card(label: str, value: str, note: str) -> None:
    """Draw one number with a word about it."""
    st.metric(label, value, delta=note, delta_color="off", delta_arrow="off", border=True,
              height="stretch")  # fmt: skip
