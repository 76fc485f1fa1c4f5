"""A paused queue in words, for every page on which a run may be started or awaited."""

import streamlit as st

from app import theme
from app.session import store
from cifar_core.runs.store.queue.pause import Pause

ICON = ":material/pause_circle:"


def pause_words(paused: Pause) -> str:
    """Say who paused the queue, since when and why."""
    return theme.safe(f"{paused.sentence} It has been paused since {theme.clock(paused.at)}.")


def say_if_paused(consequence: str) -> None:
    """Say that the queue is paused and what follows from it; nothing if it is not."""
    paused = store().queue_pause
    if paused.is_on:
        st.markdown(f"{ICON} {pause_words(paused)} {consequence}")
