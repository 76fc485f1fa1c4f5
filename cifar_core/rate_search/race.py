"""The race: which candidates start, which go on, and what they ended with. No torch."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cifar_core.rate_search.sweep import Range

SPACING = math.log10(2)  # decades between two candidates
FIRST, CONSTANT, WHOLE = 40, 80, 120  # steps of the first lap, at the full rate, and in all
MARKS = (30, FIRST)  # steps after which the few images are looked at
BELOW, ABOVE = 4.0, 2.8  # the race starts so far under the onset, and ends so far under the edge
FEWEST, MOST = 4, 5  # candidates at first, the fastest ones: the best lies not far below the edge
EXTRA_LAPS = 3  # further candidates while the best one is at an end
EXTRA_FINALS = 4
FELL_OUT = 1.5  # times the first loss
SLOWEST, FASTEST = 1e-6, 10.0  # what the settings allow


@dataclass
class Racer:
    """One candidate rate and how it fares."""

    rate: float
    step: int = 0
    alive: bool = True
    losses: dict[int, float] = field(default_factory=dict)  # of the few images, by step
    final: list[float] | None = None  # of each image at the end
    snapshot: Any = None  # where its training stands, if that is in memory

    @property
    def first_lap(self) -> float:
        """Return the mean loss at the end of the first lap; infinite if it fell out."""
        seen = [loss for step, loss in self.losses.items() if step <= FIRST]
        return float(np.mean(seen)) if self.alive and seen else math.inf

    @property
    def result(self) -> float:
        """Return the mean loss after the cool-down; infinite if it fell out or never ran it."""
        return float(np.mean(self.final)) if self.alive and self.final else math.inf


def rate_at(peak: float, step: int) -> float:
    """Return the rate of a step: constant, then falling on a straight line toward 0."""
    return peak * min(1.0, (WHOLE - step) / (WHOLE - CONSTANT))


def lattice(usual: float, found: Range) -> list[float]:
    """Return the rates to race, ascending, a factor of 2 apart and the usual one among them.

    They do not depend on where exactly a noisy sweep began and ended, so that two searches race
    the same rates. Without any progress in the sweep they lie around the usual one.
    """
    low, high = np.log10([found.onset / BELOW, found.edge / ABOVE])
    if not found.learned:
        low, high = np.log10(usual) - 3 * SPACING, np.log10(usual) + 2 * SPACING
    first = math.ceil((low - math.log10(usual)) / SPACING - 0.5)
    last = math.floor((high - math.log10(usual)) / SPACING + 0.5)
    last = max(last, first + FEWEST - 1)
    first = max(first, last - MOST + 1)
    rates = [neighbor(usual, place) for place in range(first, last + 1)]
    return [rate for rate in rates if SLOWEST <= rate <= FASTEST]


def neighbor(rate: float, places: int) -> float:
    """Return the rate so many places up or down the lattice."""
    return float(f"{rate * 2.0**places:.6g}")


def lowest(values: Sequence[float]) -> int:
    """Return the place of the lowest value."""
    return int(np.argmin(values))
