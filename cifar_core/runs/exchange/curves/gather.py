"""Gathers the points of many curves in bounded memory; each keeps at most MOST_POINTS of them.

Of a longer curve the first and the last point stay, and of each of 4,999 equal stretches the lowest
and the highest, so that no peak is lost.
"""

import math
import re
from array import array
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cifar_core.errors import ArchiveError
from cifar_core.reading.curves import thin
from cifar_core.runs.exchange.curves.limits import (
    LARGEST_STEP,
    LONGEST_NAME,
    LONGEST_TEXT,
    MOST_CURVES,
    MOST_HELD,
    MOST_POINTS,
    MOST_RUNS,
    MOST_SETTINGS,
)

Points = NDArray[np.float64]  # [N, 3]: step, value, unix seconds or 0
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
LEAST_HELD = 2 * MOST_POINTS


@dataclass
class Gathering:
    """The points of one curve."""

    count: int = 0  # of all points that were added
    stride: int = 1  # points of the file for each kept one
    kept: Points = field(default_factory=lambda: np.zeros((0, 3)))
    fresh: "array[float]" = field(default_factory=lambda: array("d"))

    def add(self, step: float, value: float, at: float, most: int) -> None:
        """Add a point; about `most` are held at once."""
        self.count += 1
        self.fresh.extend((step, value, at))
        if len(self.fresh) > 3 * most // 2:
            self.fold(most)

    def fold(self, most: int) -> None:
        """Keep the lowest and the highest of groups of neighbors."""
        fresh = np.frombuffer(self.fresh, dtype=np.float64).reshape(-1, 3)
        self.kept = np.concatenate([self.kept, extremes(fresh, 2 * self.stride)])
        self.fresh = array("d")
        while len(self.kept) > most // 2:
            self.kept, self.stride = extremes(self.kept, 4), 2 * self.stride

    def points(self) -> Points:
        """Return the points by step; of several at one step, the last that was added."""
        fresh = np.frombuffer(self.fresh, dtype=np.float64).reshape(-1, 3)
        every = np.concatenate([self.kept, extremes(fresh, 2 * self.stride)])
        every = every[np.argsort(every[:, 0], kind="stable")]
        last = np.append(np.diff(every[:, 0]) > 0, True)[: len(every)]
        every = every[last]
        return every[thin(every[:, 1], (MOST_POINTS - 2) // 2)]


def extremes(points: Points, group: int) -> Points:
    """Return the lowest and the highest point of each group of neighbors, in their order."""
    if group <= 2:
        return points.copy()
    whole = len(points) // group * group
    values = points[:whole, 1].reshape(-1, group)
    starts = np.arange(0, whole, group)
    found = [starts + values.argmin(axis=1), starts + values.argmax(axis=1)]
    return np.concatenate([points[np.unique(np.concatenate(found))], points[whole:]])


@dataclass
class GatheredRun:
    """One run of another tool, while its files are read."""

    id: str
    name: str
    most: Callable[[], int]  # points that a curve may hold at once
    new_curve: Callable[[], None]
    settings: dict[str, str | float | bool] = field(default_factory=dict)
    curves: dict[str, Gathering] = field(default_factory=dict)
    axis: str = "step"  # or epoch or row: what the numbers of its points count
    left: Counter[str] = field(default_factory=Counter)  # what was left out, with counts

    def add(self, name: str, step: float, value: object, at: float = 0.0) -> None:
        """Add a point to a curve; a value that is not a finite number is only counted."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return
        try:
            number, place = float(value), float(step)
        except OverflowError:
            number, place = math.inf, 0.0
        if not math.isfinite(number):
            self.left["values that are not finite numbers"] += 1
            return
        if not 0 <= place <= LARGEST_STEP:
            self.left["points whose step is negative or larger than any training's"] += 1
            return
        curve = self.curves.get(name)
        if curve is None:
            name = printable(name)
            curve = self.curves.get(name)
            if curve is None:
                self.new_curve()
                curve = self.curves[name] = Gathering()
        curve.add(place, number, at if 0 < at < 1e11 else 0.0, self.most())

    def put(self, name: str, value: object) -> None:
        """Keep a setting, if it is a text, a number or a switch."""
        if len(self.settings) >= MOST_SETTINGS:
            return
        if isinstance(value, str):
            self.settings[printable(name)] = printable(value, LONGEST_TEXT)
        elif isinstance(value, bool):
            self.settings[printable(name)] = value
        elif isinstance(value, int | float) and abs(value) < 1e300:
            self.settings[printable(name)] = float(value)


@dataclass
class Gathered:
    """All runs of a file or a folder, while it is read."""

    fallback: str  # the name of a run that has none
    runs: dict[str, GatheredRun] = field(default_factory=dict)
    curves: int = 0
    left: Counter[str] = field(default_factory=Counter)

    def run(self, id_: str = "", name: str = "") -> GatheredRun:
        """Return the run with an id, new or known."""
        if id_ not in self.runs:
            if len(self.runs) >= MOST_RUNS:
                raise ArchiveError(
                    f"This has more than {MOST_RUNS} runs. Import fewer of them at a time."
                )
            shown = printable(name or id_ or self.fallback)
            self.runs[id_] = GatheredRun(
                printable(id_) if id_ else "", shown, self.most, self.count_curve
            )
        return self.runs[id_]

    def most(self) -> int:
        """Return how many points each curve may hold."""
        return max(LEAST_HELD, MOST_HELD // max(1, self.curves))

    def count_curve(self) -> None:
        """Count one more curve; ArchiveError if there are too many."""
        self.curves += 1
        if self.curves > MOST_CURVES:
            raise ArchiveError(
                f"This has more than {MOST_CURVES:,} curves. Import fewer runs at a time, or "
                "fewer columns."
            )


def printable(text: object, longest: int = LONGEST_NAME) -> str:
    """Return a text of the file as one line that can be shown and saved."""
    words = " ".join(UNPRINTABLE.sub(" ", str(text)[: 4 * longest]).split())
    return words[:longest] or "unnamed"
