"""signs.json: how often each trainer of a store shows that it lives.

A trainer touches its lock, replaces summary.json and appends a row about its machine. Once a second
from each of 1,000 trainers would be too much for a file server, so the executor, which knows how
many runs are live, makes the interval longer: all together show about PER_SECOND signs a second.
"""

import math
import time
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from cifar_core.disk import files

NAME = "signs.json"
PER_SECOND = 100  # signs of all trainers together
SHORTEST, LONGEST = 1.0, 600.0  # seconds
ELSEWHERE = 3.0  # seconds at least for a trainer on another machine: pages list no more often
LOOK_SECONDS = 60.0  # between two looks of a trainer at the file


class Signs(Struct, frozen=True, kw_only=True):
    """What the executor wants of all trainers."""

    seconds: Annotated[float, Meta(ge=SHORTEST, le=LONGEST)] = SHORTEST  # between two signs


def interval(root: Path) -> float:
    """Return the seconds between two signs of a trainer of a store."""
    return files.read(root / NAME, Signs).seconds


def interval_for(live: int) -> float:
    """Return the seconds that suit a number of live runs: live / PER_SECOND, rounded up."""
    return min(LONGEST, max(SHORTEST, math.ceil(live / PER_SECOND)))


def follow(root: Path, live: int) -> None:
    """Write the interval for this number of live runs, unless it is written already. OSError."""
    seconds = interval_for(live)
    if seconds != interval(root):
        files.write_json(root / NAME, Signs(seconds=seconds), durable=False)


class OwnInterval:
    """The interval as one trainer follows it, which seldom looks at the file."""

    def __init__(self, root: Path, place: str) -> None:
        self.root = root
        self.least = ELSEWHERE if place else SHORTEST  # place: as in the plan of its attempt
        self.looked_at, self.latest = -LOOK_SECONDS, SHORTEST

    @property
    def seconds(self) -> float:
        """The seconds from one sign to the next."""
        now = time.monotonic()
        if now - self.looked_at >= LOOK_SECONDS:
            self.looked_at, self.latest = now, interval(self.root)
        return max(self.least, self.latest)
