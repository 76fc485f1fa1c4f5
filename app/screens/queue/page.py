"""The Queue page: what trains now, and what waits for a device, in its order."""

import streamlit as st

from app import boundary
from app.navigation import link
from app.screens.queue import lines
from app.screens.queue.forecast import starts
from app.screens.queue.lengths import seconds_left
from app.session import store
from app.shared.places import places
from cifar_core import devices
from cifar_core.devices import Inventory
from cifar_core.errors import DeviceError
from cifar_core.people import OPERATOR
from cifar_core.runs import STATES, RunRow

REFRESH = 3.0  # seconds between two updates while something runs or waits
MOST = 12  # waiting runs on a page


def page() -> None:
    """Draw the page; Streamlit calls this again on every interaction."""
    places()
    st.header("Queue", anchor=False)
    busy = bool(running() or store().queue())
    boundary.fragment(listing, run_every=REFRESH if busy else None)(busy)


def running() -> list[RunRow]:
    """Return the runs that have a process now, the oldest first."""
    rows = [row for row in store().runs() if STATES[row.state].is_live]
    return sorted(rows, key=lambda row: row.number)


def listing(was_busy: bool) -> None:
    """Draw what trains and what waits; repeated while something does."""
    now, waiting = running(), store().queue()
    if bool(now or waiting) != was_busy:
        st.rerun()
    found = devices.known(store().root) or Inventory()
    if now:
        st.subheader("Running now", anchor=False)
        for row in now:
            lines.running_line(row, found)
    if waiting:
        st.subheader("Next", anchor=False)
        waiting_lines(now, waiting, found)
    elif not now:
        nothing()


def nothing() -> None:
    """Say that nothing waits, and lead those who may start a run to Train."""
    if not store().by.may(OPERATOR):
        st.markdown("Nothing waits.")
    else:
        st.markdown("Nothing waits. A run that you start now starts at once.")
        link("train", "Train", ":material/play_circle:")


def waiting_lines(now: list[RunRow], waiting: list[RunRow], found: Inventory) -> None:
    """Draw the runs that wait, in their order, a page of them at a time."""
    gpu = any(not device.is_cpu for device in found.devices)
    takes = {row.id: seconds_left(row, gpu=gpu) for row in [*now, *waiting]}
    busy = {row.device: takes[row.id] for row in now}
    begins = starts(
        [row.id for row in waiting],
        takes,
        {row.id: suitable(row, found) for row in waiting},
        {device.id: busy.get(device.id, 0.0) for device in found.devices},
    )
    shown = st.container(gap="xsmall")
    number = 1
    if len(waiting) > MOST:
        number = st.pagination(-(-len(waiting) // MOST), key="queue_page")
    first = (number - 1) * MOST
    with shown:
        for place, row in enumerate(waiting[first : first + MOST], first + 1):
            lines.waiting_line(
                row, place, len(waiting), found, takes=takes[row.id], starts_in=begins[row.id]
            )
    if store().by.may(OPERATOR) and not all(store().by.may(OPERATOR, r.owner) for r in waiting):
        st.caption("You can move and remove your own runs; an admin can do so with every run.")


def suitable(row: RunRow, found: Inventory) -> list[str]:
    """Return the devices that a run can use; none if it waits for one that is out of service."""
    try:
        wanted = str(row.settings.get("device", "auto"))
        return [device.id for device in found.candidates(wanted)] if found.devices else []
    except DeviceError:
        return []
