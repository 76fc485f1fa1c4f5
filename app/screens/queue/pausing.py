"""Pausing the queue after the runs that train now, and resuming it; for admins."""

import streamlit as st

from app import boundary, theme
from app.session import store
from app.shared.queue.paused import ICON, pause_words
from cifar_core.people import ADMIN
from cifar_core.runs.store.queue.pause import LONGEST_NOTE, Pause

NOTE = "queue_pause_note"  # key of the field


def may_pause() -> bool:
    """Whether the visitor may pause and resume the queue."""
    return store().by.may(ADMIN)


def pause_menu(running: int) -> None:
    """Offer to pause the queue, with a note for the others."""
    label = {0: "Pause the queue", 1: "Pause after this run"}.get(running, "Pause after these runs")
    with st.popover(label, icon=ICON, key="pause_menu"):
        st.markdown("Runs that train now continue. No other run starts until the queue is resumed.")
        st.text_input(
            "Why (optional)", key=NOTE, max_chars=LONGEST_NOTE, placeholder="Maintenance until 3 pm"
        )
        st.button("Pause the queue", key="pause_queue", on_click=boundary.callback(pause))


def pause() -> None:
    """Pause the queue with the note in the field."""
    store().pause_queue(st.session_state.get(NOTE, ""))


def resume() -> None:
    """Let waiting runs start again."""
    store().resume_queue()


def pause_banner(paused: Pause, waiting: int) -> None:
    """Say that the queue is paused, and offer those who may to resume it."""
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="paused"):
        st.markdown(f"{ICON} **{pause_words(paused)}** {what_follows(waiting)}", width="stretch")
        if may_pause():
            st.button(
                "Resume the queue", icon=":material/play_circle:", key="resume_queue",
                type="primary", on_click=boundary.callback(resume),
            )  # fmt: skip


def what_follows(waiting: int) -> str:
    """Say what does not happen meanwhile."""
    if not waiting:
        return "A run that is started now waits until it is resumed."
    wait = "waits" if waiting == 1 else "wait"
    who = "" if may_pause() else " An admin can resume it."
    return f"{theme.plural(waiting, 'run')} {wait} until it is resumed.{who}"
