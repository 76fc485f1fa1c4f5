"""What the machine is doing: runs that train and wait, devices, memory, and room on its disk."""

import shutil
import time
from collections.abc import Iterable, Mapping, Sequence

import psutil
import streamlit as st

from app import theme
from app.navigation import link
from app.session import clusters, store
from app.shared.queue.clusters import unanswered_words
from app.shared.queue.paused import ICON, pause_words
from cifar_core import devices
from cifar_core.devices.use.main_memory import main_memory
from cifar_core.numbers import NARROW
from cifar_core.runs import STATES, RunRow
from cifar_core.runs.backends.offered import clusters_in, title_of
from cifar_core.runs.listing.clusters import cluster_of, is_handed_over, waits_there
from cifar_core.runs.record.machine import words
from cifar_core.runs.record.machine.rows import MachineRow, latest

GIB = 2**30
OLD = 10.0  # seconds after which a figure of a machine is not shown as its present one


def machines(rows: Sequence[RunRow]) -> None:
    """Draw how busy the machine is; a click shows its devices and its disk."""
    there = [row for row in rows if waits_there(row)]
    running = [row for row in rows if STATES[row.state].is_live and not waits_there(row)]
    waiting = sum(row.state == "queued" for row in rows) + len(there)
    paused = store().queue_pause
    menu = st.popover(
        counts(len(running), waiting, paused=paused.is_on), icon=":material/memory:",
        type="tertiary", key="machines", on_change="rerun",
    )  # fmt: skip
    if menu.open:
        with menu:
            here = [row for row in running if not cluster_of(row)]
            used = used_now(here)
            for line in [*device_lines(here, used), *cluster_lines(rows)]:
                st.markdown(line)
            if paused.is_on:
                st.markdown(f"{ICON} {pause_words(paused)}")
            for line in (machine_line(used.values()), disk_words()):
                if line:
                    st.caption(line)
            link("queue", "Queue", ":material/low_priority:")


def counts(running: int, waiting: int, *, paused: bool = False) -> str:
    """Say how many runs train and wait, and whether the queue is paused."""
    parts = [f"{running} running" if running else "", f"{waiting} waiting" if waiting else ""]
    parts += ["paused"] if paused else []
    return ", ".join(filter(None, parts)).capitalize() or "Idle"


def used_now(running: Sequence[RunRow]) -> dict[str, MachineRow]:
    """Return how each run under way uses its machine, by its id; old values are left out."""
    found = {run.id: latest(store().run(run.id).path, run.attempt) for run in running}
    now = time.time()
    return {
        run: row for run, row in found.items() if row and now - row.t < max(OLD, 3 * row.seconds)
    }


def machine_line(used: Iterable[MachineRow]) -> str:
    """Say how busy the whole machine is: as a run has just seen it, or else only its memory."""
    if row := max(used, key=lambda row: row.t, default=None):
        return words.machine_words(row)
    try:
        return words.memory_words(*main_memory())
    except (OSError, psutil.Error):
        return ""


def device_lines(running: Sequence[RunRow], used: Mapping[str, MachineRow]) -> list[str]:
    """Say of each device what trains on it and how, and of each that cannot be used, why."""
    found = devices.known(store().root)
    if found is None:
        return ["The devices have not been checked yet."]
    busy = {device: row for row in running for device in row.devices}
    lines = [
        f"**{theme.safe(device.name)}** :gray[{theme.safe(device.id)}]: "
        + (busy_words(row, used) if (row := busy.get(device.id)) else "idle")
        for device in found.devices
    ]
    return lines + [f":material/warning: {theme.safe(one.sentence)}" for one in found.refused]


def cluster_lines(rows: Sequence[RunRow]) -> list[str]:
    """Say of each cluster how many runs of the store run there, how many wait, and if it answers.

    One that is no longer set up is named as long as it has runs.
    """
    found, mine = clusters(), [row for row in rows if is_handed_over(row)]
    keys = dict.fromkeys([*clusters_in(found), *map(cluster_of, mine)])
    lines = []
    for key in keys:
        there = [row for row in mine if cluster_of(row) == key]
        waiting = sum(map(waits_there, there))
        parts = [f"{len(there) - waiting} running" if len(there) > waiting else "",
                 f"{waiting} waiting there" if waiting else "",
                 unanswered_words(key, there)]  # fmt: skip
        said = ", ".join(filter(None, parts)) or "nothing of this store"
        lines.append(f"**{theme.safe(title_of(key, found))}**: {said}")
    return lines


def busy_words(run: RunRow, used: Mapping[str, MachineRow]) -> str:
    """Name the run on a device, and say how it uses the machine."""
    said = words.in_words(used[run.id]) if run.id in used else ""
    return theme.safe(f"#{run.number} {run.name}" + (f" ({said})" if said else ""))


def disk_words() -> str:
    """Say how much room is left on the store's disk."""
    try:
        left = shutil.disk_usage(store().root).free
    except OSError:
        return "The disk cannot be read."
    return f"{left / GIB:,.0f}{NARROW}GB free on the disk with the runs"
