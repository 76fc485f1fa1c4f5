"""The row of links inside Runs: all runs, the queue, comparing, reports."""

import streamlit as st

from app.navigation import link

PLACES = {"runs": "All runs", "queue": "Queue", "compare": "Compare", "report": "Reports"}


def places() -> None:
    """Draw the links; the page that is open is marked by Streamlit."""
    with st.container(horizontal=True, gap="small", key="places"):
        for name, title in PLACES.items():
            link(name, title)
