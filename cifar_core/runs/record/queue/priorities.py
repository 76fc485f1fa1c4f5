"""Whether a run waits before or behind those that have no priority.

The queue has one order, by the positions of the runs, lowest first. A run that is queued gets the
present time as its position, plus the band of its priority, so that priorities need no rule of
their own and people can still move a run wherever they like.
"""

import time
from dataclasses import dataclass

from cifar_core.registry import Registry

BAND = 1e11  # seconds, 3,000 years: no time of this world reaches into the next band


@dataclass(frozen=True, kw_only=True)
class Priority:
    """One priority."""

    key: str  # saved in about.json and in sweeps' files; never renamed
    title: str
    summary: str
    band: float  # seconds added to the time at which a run is queued


FIRST, NORMAL, LAST = "first", "normal", "last"
PRIORITIES = Registry(
    "priority",
    [
        Priority(key=FIRST, title="First", summary="Before all others that wait.", band=-BAND),
        Priority(key=NORMAL, title="Normal", summary="In turn.", band=0.0),
        Priority(key=LAST, title="Last", summary="When nothing else waits.", band=BAND),
    ],
)


def position_of(priority: str) -> float:
    """Return the position of a run that is queued now; an unknown or empty priority is normal."""
    known = PRIORITIES[priority] if priority in PRIORITIES else PRIORITIES[NORMAL]
    return time.time() + known.band


def moved(position: float, after: str) -> float:
    """Return the position of a waiting run whose priority has changed; its turn there stays.

    A person may have moved the run into another band than that of its priority, so the band that
    it leaves is found from its position.
    """
    turn = position - BAND * round(position / BAND)
    return turn + PRIORITIES[after or NORMAL].band
