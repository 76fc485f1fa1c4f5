"""The Queue page: what trains now, and what waits for a device, in its order."""

from collections.abc import Sequence

import streamlit as st

from app import boundary, theme
from app.navigation import link
from app.session import store
from app.shared.places import places
from cifar_core.runs import STATES, RunRow

REFRESH = 3.0  # seconds between two updates while something runs or waits


def page() -> None:
    """Draw the page; Streamlit calls this again on every interaction."""
    places()
    st.header("Queue", anchor=False)
    busy = bool(running() or store().queue())
    boundary.fragment(listing, run_every=REFRESH if busy else None)()


def running() -> list[RunRow]:
    """Return the runs that have a process now."""
    return [row for row in store().runs() if STATES[row.state].is_live]


def listing() -> None:
    """Draw what trains and what waits."""
    now, waiting = running(), store().queue()
    if not now and not waiting:
        st.markdown("Nothing waits. A run that you start now starts at once.")
        link("train", "Train", ":material/play_circle:")
        return
    if now:
        st.subheader("Running now", anchor=False)
        lines(now)
    if waiting:
        st.subheader("Next", anchor=False)
        lines(waiting)


def lines(rows: Sequence[RunRow]) -> None:
    """Draw a line for each run."""
    for row in rows:
        with st.container(horizontal=True, vertical_alignment="center"):
            link("run", f"#{row.number} {theme.safe(row.name)}", id=row.number)
            st.caption(STATES[row.state].title)
