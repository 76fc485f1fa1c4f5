"""The Result tab: how accurate a network is, where it errs, how reliable its confidence is."""

from collections.abc import Sequence
from contextlib import suppress

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import boundary, theme
from app.cache.results import job_seconds
from app.screens.run.result.evaluation import SPLITS, evaluation_of
from app.screens.run.result.headline import headline
from app.screens.run.result.mistakes import mistakes
from app.screens.run.result.next_steps import next_steps
from app.screens.run.result.over_time import over_time
from app.screens.run.result.tabs import by_class, calibrated, confused, covered, robust_to
from app.session import Key, remember, remembered
from app.shared.address import keep_in_address, not_offered, start_from_address
from app.shared.job_offer import UNASKED, offer
from cifar_core.errors import BusyError
from cifar_core.runs import Run, RunStatus
from cifar_core.runs.results import predictions
from cifar_core.runs.results.predictions import Part
from cifar_core.runs.results.test_looks import TestLook, count_look, looks, sentence

MOST_LOOKS = 12  # shown in the list
TABS = {
    "Mistakes": mistakes,
    "Confusion": confused,
    "Classes": by_class,
    "Calibration": calibrated,
    "Coverage": covered,
    "Robustness": robust_to,
    "Over time": over_time,
}


def draw(run: Run, status: RunStatus) -> None:
    """Draw the tab; Streamlit calls this again on every interaction."""
    first = st.container()
    checkpoint, part = choose(run)
    if part == "val" or revealed(run, checkpoint):
        judge(run, checkpoint, part, first)
    boundary.part(next_steps)(run, status)


def choose(run: Run) -> tuple[str, Part]:
    """Draw the choice of checkpoint and split, which the address keeps."""
    with st.grid(2, min_column_width=220, gap="small"):
        names = {"best": f"Best epoch, {run.checkpoint('best').epoch:g}"}
        names |= {i.name: f"Epoch {i.epoch:g}" for i in run.checkpoints() if not i.best}
        start_from_address("checkpoint", names)
        gone = not_offered("checkpoint", names)
        checkpoint = st.selectbox(
            "Checkpoint", list(names), format_func=names.__getitem__, key="checkpoint"
        )
        keep_in_address("checkpoint", checkpoint, "best")
        start_from_address("part", SPLITS)
        titles_of = {part: name.capitalize() for part, name in SPLITS.items()}
        part = st.segmented_control(
            "Split", list(titles_of), format_func=titles_of.__getitem__, required=True,
            default=None if "part" in st.session_state else "val", key="part",
        ) or "val"  # fmt: skip
        keep_in_address("part", part, "val")
    if gone:
        st.caption(f"This run keeps no checkpoint {theme.safe(gone)}; the best epoch is shown.")
    return run.checkpoint(checkpoint).name, part


def revealed(run: Run, checkpoint: str) -> bool:
    """Whether the test results may be shown; if not, draw the button that counts as a look."""
    seen: frozenset[str] = remembered(Key.REVEALED, frozenset())
    past = looks(run)
    if run.id in seen:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.caption(f":material/visibility: {sentence(len(past))}", width="content")
            who_looked(past)
        return True
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(sentence(len(past)), width="content")
            who_looked(past)
        st.caption("Each choice made after seeing test results makes the test accuracy a less "
                   "independent check.")  # fmt: skip
        if st.button("Show the test results", icon=":material/visibility:", key="reveal"):
            count_look(run, "the page", checkpoint)
            remember(Key.REVEALED, seen | {run.id})
            st.rerun()
    return False


def who_looked(past: Sequence[TestLook]) -> None:
    """Offer the list of the looks, newest first."""
    if not past:
        return
    newest = past[: -MOST_LOOKS - 1 : -1]
    rows = {
        "When": [theme.clock(look.at) if look.at else theme.NONE for look in newest],
        "Who": [theme.safe(look.by) or theme.NONE for look in newest],
        "From": [theme.safe(look.where) for look in newest],
    }
    with st.popover("Who looked", type="tertiary"):
        st.table(rows, border="horizontal", hide_index=True, alt="Looks, newest first")
        if len(past) > MOST_LOOKS:
            st.caption(f"Only the newest {MOST_LOOKS} are shown; looks.json lists them all.")


def judge(run: Run, checkpoint: str, part: Part, first: DeltaGenerator) -> None:
    """Draw the figures in `first` and the tabs here, or compute the predictions first."""
    evaluation = evaluation_of(run, checkpoint, part)
    if evaluation is None:
        predict_first(run, checkpoint, part)
        return
    with first:
        headline(evaluation)
    for tab, show in zip(
        st.tabs(list(TABS), on_change="rerun", key="judgements"), TABS.values(), strict=True
    ):
        if tab.open:
            with tab:
                boundary.part(show)(evaluation)


def predict_first(run: Run, checkpoint: str, part: Part) -> None:
    """Compute the predictions: at once if that is quick, otherwise after a click."""
    job = predictions.job(run, part, checkpoint)
    data = run.environment.data
    count = data.test_images if part == "test" else data.val_images
    seconds = job_seconds(str(run.path), checkpoint, count)
    if seconds < UNASKED and not job.error:
        with suppress(BusyError):  # then the button says why
            job.start()
    about = f"about {theme.duration(seconds)}, once"
    offer(job, f"Classify {theme.count(count)} {SPLITS[part]} images", about, key="predict")
