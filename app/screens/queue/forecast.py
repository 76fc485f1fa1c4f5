"""When the runs of the queue start, if each takes as long as expected."""

import math
from collections.abc import Mapping, Sequence

UNKNOWN = math.inf  # seconds


def starts(
    queue: Sequence[str],
    takes: Mapping[str, float],
    suits: Mapping[str, Sequence[str]],
    free_in: Mapping[str, float],
) -> dict[str, float]:
    """Return in how many seconds each run of a queue starts; UNKNOWN where that is not known.

    `takes` are seconds by run, `suits` the devices that a run can use, and `free_in` the seconds
    until each device is free.
    """
    free = dict(free_in)
    begins: dict[str, float] = {}
    for run in queue:
        there = [device for device in suits[run] if device in free]
        first = min(there, key=free.__getitem__, default="")
        begins[run] = free.get(first, UNKNOWN)
        if first:
            free[first] = begins[run] + takes[run]
    return begins
