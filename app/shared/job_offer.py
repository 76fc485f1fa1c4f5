"""Offering work that is done once in the background: what it costs, how far it is, what failed."""

import streamlit as st

from app import theme
from cifar_core.background.jobs import Job

POLL = 1.0  # seconds between two looks


def offer(errand: Job, label: str, about: str, *, key: str) -> None:
    """Draw the button that starts an errand, or how far it is; the page is drawn anew at its end.

    Only this part is repeated, and only while a process is at it.
    """
    st.fragment(draw, run_every=POLL if errand.is_due else None)(errand, label, about, key)


def draw(errand: Job, label: str, about: str, key: str) -> None:
    """Draw one look at the errand."""
    if errand.is_done:
        st.rerun()
    if errand.is_due:
        under_way(errand, key)
        return
    if errand.error:
        st.error(theme.safe(errand.error), icon=":material/error:")
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(label, icon=":material/play_arrow:", type="primary", key=f"{key} start"):
            errand.start()
            st.rerun()
        st.caption(about, width="content")


def under_way(errand: Job, key: str) -> None:
    """Draw how far it is, and a way to end it."""
    done, total = errand.progress
    words = f"{theme.count(done)} of {theme.count(total)}" if total else "Starting"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(done / total if total else 0.0, text=words, width=320)
        if st.button("Cancel", type="tertiary", key=f"{key} cancel"):
            errand.cancel()
            st.rerun()
