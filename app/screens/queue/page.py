"""The Queue page: what trains now, what waits for a device in its order, and what failed lately."""

import time
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from app import boundary, theme
from app.cache.refresh import every
from app.navigation import link
from app.screens.queue.failed import failures
from app.screens.queue.pausing import may_pause, pause_banner, pause_menu
from app.screens.queue.running import running_line
from app.screens.queue.waiting import waiting_list
from app.screens.queue.where_runs_go import may_set_up, where_button
from app.session import store
from app.shared.picker.history import history
from app.shared.places import places
from cifar_core import devices
from cifar_core.devices import Inventory
from cifar_core.people import OPERATOR
from cifar_core.runs import STATES, RunRow
from cifar_core.runs.listing.clusters import waits_there
from cifar_core.runs.listing.queue_forecast import Forecast, forecast, is_known
from cifar_core.runs.listing.run_lengths import RunLengths, training_images
from cifar_core.runs.store.queue.order import queue_order
from cifar_core.runs.store.queue.pause import Pause

MOST = 30  # runs under way that are drawn one by one; a cluster may have many
HANDED_OVER = "These runs wait in the queue of a cluster, which decides when and where each starts."
REFRESH = 3.0  # seconds between two updates while something runs or waits


def page() -> None:
    """Draw the page; Streamlit calls this again on every interaction."""
    places()
    rows, paused = store().seen(), store().queue_pause
    now, waiting = running(rows), queue_order(rows)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header("Queue", anchor=False, width="content")
        st.space("stretch")
        if (now or waiting) and not paused.is_on and may_pause():
            pause_menu(len(now))
        if may_set_up():
            where_button()
    if paused.is_on:
        pause_banner(paused, len(waiting))
    boundary.part(failures)(rows)
    busy = bool(now or waiting)
    boundary.fragment(listing, run_every=every(REFRESH) if busy else None)(busy, paused)


def running(rows: Sequence[RunRow]) -> list[RunRow]:
    """Return the runs that have a process now, the oldest first."""
    live = [row for row in rows if STATES[row.state].is_live]
    return sorted(live, key=lambda row: row.number)


def listing(was_busy: bool, was_paused: Pause) -> None:
    """Draw what trains and what waits; repeated while something does."""
    rows = store().seen()
    now, waiting = running(rows), queue_order(rows)
    if bool(now or waiting) != was_busy or store().queue_pause != was_paused:
        st.rerun()
    found = devices.known(store().root) or Inventory()
    there = [row for row in now if waits_there(row)]
    if training := [row for row in now if row not in there]:
        st.subheader("Running now", anchor=False)
        running_lines(training, found)
    if there:
        st.subheader("Handed over", anchor=False)
        st.caption(HANDED_OVER)
        running_lines(there, found)
    if waiting:
        expected = forecast(now, waiting, found, lengths(found))
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            st.subheader("Next", anchor=False, width="content")
            st.caption(end_words(len(now) + len(waiting), expected, was_paused), width="content")
        waiting_list(waiting, found, expected)
    elif not now and not was_paused.is_on:
        nothing()


def running_lines(rows: Sequence[RunRow], found: Inventory) -> None:
    """Draw a line for each run that has a process or waits at a cluster, up to some number."""
    for row in rows[:MOST]:
        running_line(row, found)
    if len(rows) > MOST:
        others = theme.plural(len(rows) - MOST, "other")
        link("runs", f"and {others}", ":material/list:", search=f"state:{rows[0].state}")


def nothing() -> None:
    """Say that nothing waits, and lead those who may start a run to Train."""
    if not store().by.may(OPERATOR):
        st.markdown("Nothing waits.")
    else:
        st.markdown("Nothing waits. A run that you start now starts at once.")
        link("train", "Train", ":material/play_circle:")


def lengths(found: Inventory) -> RunLengths:
    """Return what says how long runs take, from the runs of this store."""
    gpu = any(not device.is_cpu for device in found.devices)
    root = str(store().root)
    return RunLengths(
        lambda source, images: history(source, images, gpu=gpu),
        lambda source: images_of(source, root),
        gpu=gpu,
    )


@st.cache_data(ttl=60, show_spinner=False)
def images_of(source: str, root: str) -> int:
    """Return how many training images a resolved source has; 0 if that is not known yet."""
    return training_images(source, Path(root))


def end_words(runs: int, expected: Forecast, paused: Pause) -> str:
    """Say when all runs are done, if that is known and there are several."""
    if runs < 2 or paused.is_on or not is_known(expected.end):
        return ""
    return f"All {runs} runs are done \u2248 {theme.clock(time.time() + expected.end)}."
