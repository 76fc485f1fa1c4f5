"""What the machine is doing: how many runs train and wait, its devices, and room on its disk."""

import shutil
from collections.abc import Sequence

import streamlit as st

from app import theme
from app.navigation import link
from app.session import store
from app.shared.queue.paused import ICON, pause_words
from cifar_core import devices
from cifar_core.numbers import NARROW
from cifar_core.runs import STATES, RunRow

GIB = 2**30


def machines(rows: Sequence[RunRow]) -> None:
    """Draw how busy the machine is; a click shows its devices and its disk."""
    running = [row for row in rows if STATES[row.state].is_live]
    waiting = sum(row.state == "queued" for row in rows)
    paused = store().queue_pause
    menu = st.popover(
        words(len(running), waiting, paused=paused.is_on), icon=":material/memory:",
        type="tertiary", key="machines", on_change="rerun",
    )  # fmt: skip
    if menu.open:
        with menu:
            for line in device_lines(running):
                st.markdown(line)
            if paused.is_on:
                st.markdown(f"{ICON} {pause_words(paused)}")
            st.caption(disk_words())
            link("queue", "Queue", ":material/low_priority:")


def words(running: int, waiting: int, *, paused: bool = False) -> str:
    """Say how many runs train and wait, and whether the queue is paused."""
    parts = [f"{running} running" if running else "", f"{waiting} waiting" if waiting else ""]
    parts += ["paused"] if paused else []
    return ", ".join(filter(None, parts)).capitalize() or "Idle"


def device_lines(running: Sequence[RunRow]) -> list[str]:
    """Say of each device what trains on it, and of each that cannot be used, why."""
    found = devices.known(store().root)
    if found is None:
        return ["The devices have not been checked yet."]
    busy = {row.device: row for row in running}
    lines = [
        f"**{theme.safe(device.name)}** :gray[{theme.safe(device.id)}]: "
        + (theme.safe(f"#{row.number} {row.name}") if (row := busy.get(device.id)) else "idle")
        for device in found.devices
    ]
    return lines + [f":material/warning: {theme.safe(one.sentence)}" for one in found.refused]


def disk_words() -> str:
    """Say how much room is left on the store's disk."""
    try:
        left = shutil.disk_usage(store().root).free
    except OSError:
        return "The disk cannot be read."
    return f"{left / GIB:,.0f}{NARROW}GB free on the disk with the runs"
