"""The Files tab: a run's log, its checkpoints and exports, its attempts, and who did what."""

import streamlit as st

from app import boundary, theme
from app.screens.run.files.checkpoints import checkpoints
from cifar_core.runs import Run, RunStatus
from cifar_core.runs.record.action_log import Action
from cifar_core.runs.record.attempt import Attempt

LOG_LINES = 13  # more of them scroll
SHORT = 100  # characters of an action in the table


def draw(run: Run, status: RunStatus) -> None:
    """Draw the log, and the other parts closed below it."""
    boundary.part(log_tail)(run, status)
    parts = {"Checkpoints": checkpoints, "Attempts": attempts, "History": history}
    for title, part in parts.items():
        box = st.expander(title, key=f"part {part.__name__}", on_change="rerun")
        if box.open:
            with box:
                boundary.part(part)(run, status)


def log_tail(run: Run, status: RunStatus) -> None:
    """Draw the end of the log, following it while the run is live."""

    def draw() -> None:
        text = run.log_tail(200)
        if not text:
            st.caption("The log is empty.")
            return
        high = text.count("\n") > LOG_LINES
        with st.container(height=320 if high else "content", border=False, autoscroll=high or None):
            st.code(text, language=None, wrap_lines=True)

    boundary.fragment(draw, run_every=2.0 if status.is_live else None)()


def attempts(run: Run, status: RunStatus) -> None:
    """Draw the processes that worked on the run."""
    attempts = run.attempts()
    if not attempts:
        st.caption("This run has not been started.")
    for a in attempts:
        alive = status.is_live and a.number == attempts[-1].number
        end = f" to {theme.clock(a.ended_at)}" if a.ended_at else ", still running" if alive else ""
        began = theme.clock(a.started_at) if a.started_at else "at an unknown time"
        st.markdown(f"**Attempt {a.number}** on {a.device or 'an unknown device'}, {began}{end}")
        words = [beginning(a, alive=alive), a.ended, a.note]
        st.caption(theme.safe(" ".join(filter(None, words))))


def beginning(attempt: Attempt, *, alive: bool) -> str:
    """Say where an attempt started, as far as its start.json says."""
    if attempt.begun:
        origin = f"step {attempt.from_step:,}" if attempt.from_checkpoint else "the beginning"
        return f"Started from {origin}."
    return "It is being prepared." if alive else "Where it started is not recorded."


def history(run: Run, status: RunStatus) -> None:
    """Draw who did what to the run."""
    if run.owner:
        st.markdown(f"Created by {theme.safe(run.owner)}")
    log = run.history()
    if not log:
        st.caption("No actions are recorded.")
        return
    rows = {
        "When": [theme.clock(action.at) for action in log],
        "Who": [theme.safe(action.by) for action in log],
        "What": [theme.safe(theme.short(words_of(action), SHORT)) for action in log],
    }
    st.table(rows, border="horizontal", hide_index=True, alt="Actions, newest first")
    if long := [action for action in log if len(words_of(action)) > SHORT]:
        with st.expander("Whole texts"):
            for action in long:
                st.caption(theme.safe(f"{theme.clock(action.at)}, {action.by}: {action.did}"))
                st.code(action.detail, language=None, wrap_lines=True)


def words_of(action: Action) -> str:
    """Return what a person did, on one line."""
    return " ".join(f"{action.did} {action.detail}".split())
