"""A line of the Queue page for each run that trains now, with the ways to stop it."""

import time
from collections.abc import Callable

import streamlit as st

from app import theme
from app.boundary import attempt
from app.navigation import link
from app.screens.queue.waiting import may_change
from app.session import store
from app.shared.queue.clusters import unanswered_words
from cifar_core.devices import Inventory
from cifar_core.runs import STATES, TRAINING, Run, RunRow
from cifar_core.runs.listing.clusters import cluster_of, is_handed_over, waits_there

EPOCH, NOW, PAUSE = "After this epoch", "Now, with a checkpoint", "Pause"
STOPS: dict[str, Callable[[Run], None]] = {
    EPOCH: lambda run: run.stop("epoch"),
    NOW: lambda run: run.stop("now"),
    PAUSE: lambda run: run.pause(),
}


def running_line(row: RunRow, found: Inventory) -> None:
    """Draw a run that has a process: how far it is, when it is done, where it is, and Stop.

    For one that waits in the queue of a cluster, what that says about it.
    """
    with st.container(
        border=True, horizontal=True, vertical_alignment="center", key=f"running-{row.id}"
    ):  # fmt: skip
        name(row)
        if row.total_steps and not waits_there(row):
            st.progress(min(1.0, row.step / row.total_steps), width=200)
        if waits_there(row):
            st.caption(theme.safe(row.message), width="stretch")
        else:
            st.caption(how_far(row), width=110)
            done = row.eta_seconds
            st.caption(f"done \u2248 {theme.clock(time.time() + done)}" if done else "", width=110)
        if silent := unanswered_words(cluster_of(row), [row], named=True):
            st.badge(silent, color="orange")
        if len(found.devices) > 1 or is_handed_over(row):
            st.caption(theme.safe(row.device), width=110)
        with st.container(width=110, horizontal_alignment="right"):
            if row.state in ("starting", "running") and may_change(row):
                stop_menu(row)


def how_far(row: RunRow) -> str:
    """Say which epoch a run is in; while it starts or stops, that."""
    if row.state != "running" or row.kind != TRAINING or not row.total_steps:
        return STATES[row.state].title
    return f"epoch {min(row.epochs_done + 1, row.epochs)} of {row.epochs}"


def stop_menu(row: RunRow) -> None:
    """Offer the ways to stop, the gentlest first."""
    ways = [EPOCH, NOW, PAUSE] if row.kind == TRAINING else [NOW, PAUSE]
    chosen = st.menu_button("Stop", ways, icon=":material/stop_circle:", key=f"stop {row.id}")
    if chosen:
        attempt(lambda: STOPS[chosen](store().run(row.id)))


def name(row: RunRow) -> None:
    """Draw the name of a run, a link; with its owner if that is another person."""
    with st.container(
        horizontal=True, vertical_alignment="center", gap="small", key=f"link-{row.id}"
    ):  # fmt: skip
        link("run", f"#{row.number} {theme.safe(row.name)}", id=row.number)
        if row.owner not in ("", store().by.name):
            st.caption(theme.safe(row.owner), width="content")
