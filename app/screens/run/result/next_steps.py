"""What to do with a result: train again with one change."""

import streamlit as st

from app.cache.runs import feed, reading
from app.navigation import go
from app.screens.run.watch.reading import as_query, suggested
from cifar_core.people import OPERATOR
from cifar_core.runs import Run, RunStatus


def next_steps(run: Run, status: RunStatus) -> None:
    """Offer what the reading of the curves suggests; nothing while the run is under way."""
    if status.is_under_way or not run.by.may(OPERATOR):
        return
    trials = suggested(reading(run, feed(str(run.path)).curves(), status))
    if not trials:
        return
    with st.popover("What to try next", icon=":material/lightbulb:", type="tertiary"):
        st.caption("Each opens the Train page with this run's settings and one change.")
        for number, trial in enumerate(trials):
            if st.button(trial.label, help=trial.why, type="tertiary", key=f"try {number}"):
                go("train", clone=run.number, set=as_query(trial))
