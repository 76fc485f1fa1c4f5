"""When the runs of the queue start and when all are done, if each takes as long as expected."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cifar_core.devices import Inventory
from cifar_core.errors import DeviceError
from cifar_core.runs.listing.clusters import cluster_of
from cifar_core.runs.listing.run_lengths import UNKNOWN, RunLengths
from cifar_core.runs.store.run_row import RunRow


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What is expected of the queue, in seconds from now; UNKNOWN where nothing says so."""

    takes: Mapping[str, float]  # by the id of a run
    starts: Mapping[str, float]  # of those that wait
    end: float  # when all runs are done


def forecast(
    running: Sequence[RunRow], waiting: Sequence[RunRow], found: Inventory, lengths: RunLengths
) -> Forecast:
    """Return what is expected of the runs that train and of those that wait, in their order."""
    takes = {row.id: lengths.left(row) for row in [*running, *waiting]}
    busy = {device: takes[row.id] for row in running for device in row.devices}
    begins = starts(
        [row.id for row in waiting],
        takes,
        {row.id: suitable(row, found) for row in waiting},
        {device.id: busy.get(device.id, 0.0) for device in found.devices},
        {row.id: int(row.settings.get("devices", 1)) for row in waiting},
    )
    ends = [*busy.values(), *(begins[row.id] + takes[row.id] for row in waiting)]
    return Forecast(takes=takes, starts=begins, end=max(ends, default=0.0))


def starts(
    queue: Sequence[str],
    takes: Mapping[str, float],
    suits: Mapping[str, Sequence[str]],
    free_in: Mapping[str, float],
    counts: Mapping[str, int] = {},
) -> dict[str, float]:
    """Return in how many seconds each run of a queue starts; UNKNOWN where that is not known.

    `takes` are seconds by run, `suits` the devices that a run can use, `free_in` the seconds until
    each device is free, and `counts` how many a run uses at once, if not one: it starts when so
    many are free, and those that are free before are kept for it.
    """
    free = dict(free_in)
    begins: dict[str, float] = {}
    for run in queue:
        there = [device for device in suits[run] if device in free]
        count = counts.get(run, 1)
        first = sorted(there, key=free.__getitem__)[:count]
        begins[run] = free[first[-1]] if len(first) == count else UNKNOWN
        if len(first) == count:
            free |= dict.fromkeys(first, begins[run] + takes[run])
    return begins


def suitable(row: RunRow, found: Inventory) -> list[str]:
    """Return the devices of this machine that a run can use.

    None if it waits for one that is out of service, or goes to a cluster.
    """
    if cluster_of(row):
        return []
    try:
        wanted = str(row.settings.get("device", "auto"))
        return [device.id for device in found.candidates(wanted)] if found.devices else []
    except DeviceError:
        return []


def is_known(seconds: float) -> bool:
    """Whether a time is known."""
    return math.isfinite(seconds)
