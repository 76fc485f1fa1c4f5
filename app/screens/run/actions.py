"""The actions that a run's state allows: two in sight, the others in a menu."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from app import boundary
from app.boundary import attempt
from app.navigation import go
from app.screens.run.marks import marks_menu
from app.screens.run.onward.links import menu_key, onward
from app.screens.run.stop_time import stop_time
from app.session import store
from app.shared import edited
from app.shared.run_export import run_downloads
from cifar_core.people import OPERATOR
from cifar_core.runs import CURVES, TRAINING, Run, RunStatus
from cifar_core.runs.record.figures.summary_record import Summary
from cifar_core.runs.record.run import LONGEST_NAME, RESUMABLE


def actions(run: Run, status: RunStatus) -> None:
    """Draw the buttons that fit the run's state and the visitor's role."""
    may_change = run.by.may(OPERATOR, run.owner)
    if may_change and status.state == "draft":
        button("Start", "play_arrow", lambda: store().submit(run), primary=True)
    if may_change and status.state in RESUMABLE:
        button("Resume", "play_arrow", run.resume, primary=True)
    if may_change and status.is_under_way:
        stop_menu(run, status)
    trains = run.kind == TRAINING
    settled = trains and not status.is_under_way and run.summary != Summary()
    main: Any = "primary" if status.state == "finished" else "secondary"
    if settled and st.button(
        "Predict", icon=":material/image_search:", key="predict", type=main
    ):  # fmt: skip
        go("predict", run=run.number)
    if run.kind != CURVES and run.by.may(OPERATOR) and st.button(
        "Train like this", icon=":material/content_copy:", key="clone"
    ):  # fmt: skip
        go("train", clone=run.number)
    with st.popover("More", icon=":material/more_horiz:", key=menu_key()):
        if settled:
            onward(run)
        more(run, may_change=may_change)


def more(run: Run, *, may_change: bool) -> None:
    """Draw the actions that fewer people need."""
    marks_menu(run)
    measured = run.kind == TRAINING and run.summary.epochs_done > 0
    if measured and st.button(
        "Report", icon=":material/description:", key="report", type="tertiary"
    ):  # fmt: skip
        go("report", runs=run.number)
    if may_change:
        rename(run)
    st.markdown("**Export**")
    run_downloads([run])


def button(label: str, icon: str, act: Callable[[], None], *, primary: bool = False) -> None:
    """Draw a button that acts on the run; an error is shown in a toast."""
    emphasis: Any = "primary" if primary else "secondary"
    if st.button(label, icon=f":material/{icon}:", type=emphasis, key=label.lower()):
        attempt(act)


def stop_menu(run: Run, status: RunStatus) -> None:
    """Offer the three ways to stop, the gentlest first."""
    with st.popover("Stop", icon=":material/stop_circle:"):
        if not status.is_live:
            st.caption("It is not running, so it is only removed from the queue.")
            button("Remove from the queue", "remove", lambda: run.stop("now"))
            stop_time(run)
            return
        st.caption("Whichever you choose, what has been saved is kept.")
        if run.kind == TRAINING:
            button("After this epoch", "flag", lambda: run.stop("epoch"))
            button("Now, with a checkpoint", "save", lambda: run.stop("now"))
        else:
            button("Now", "stop", lambda: run.stop("now"))
        stop_time(run)
        button("Pause", "pause", run.pause)
        if st.button("Kill", icon=":material/dangerous:", key="kill"):
            confirm_kill(run)


@boundary.dialog("Kill this run?")
def confirm_kill(run: Run) -> None:
    """Ask for confirmation, since progress is lost."""
    st.markdown(
        "The process is ended without saving. Everything since the last checkpoint, usually from "
        "the end of the last epoch, is lost. Resuming starts from that checkpoint, or from the "
        "beginning if there is none."
    )
    if st.button("Kill it", type="primary", key="kill_now"):
        attempt(lambda: run.stop("kill"))


def rename(run: Run) -> None:
    """Ask for a new name."""
    key = f"name {run.id}"
    edited.conflict(key, lambda text, was: run.rename(text, was=was), between=" / ",
                    longest=LONGEST_NAME, none="No name")  # fmt: skip
    had = edited.begun(key, run.name)
    with st.form("rename", border=False):
        name = st.text_input("Name", max_chars=LONGEST_NAME, key=key)
        saved = st.form_submit_button("Save")
    if saved and (edited.save(key, lambda: run.rename(name or "", was=had)) or edited.is_open(key)):
        st.rerun()
