"""The race: which candidates start, which go on, and their results. No torch."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cifar_core.rate_search.range_test import Range

SPACING = math.log10(2)  # decades between two candidates
FIRST, CONSTANT, WHOLE = 40, 80, 120  # steps of the first lap, at the full rate, and in all
MARKS = (30, FIRST)  # steps after which the few images are evaluated
BELOW, ABOVE = 4.0, 2.8  # factors by which the race starts below the onset and ends below the edge
FEWEST, MOST = 4, 5  # candidates at first, the fastest ones: the best is near the edge
EXTRA_LAPS = 3  # further candidates while the best one is at an end of the lattice
EXTRA_FINALS = 4
DROPPED_OUT = 1.5  # times the first loss
SLOWEST, FASTEST = 1e-6, 10.0  # what the settings allow


@dataclass
class Racer:
    """One candidate rate and its results so far."""

    rate: float
    step: int = 0
    alive: bool = True
    losses: dict[int, float] = field(default_factory=dict)  # of the few images, by step
    final: list[float] | None = None  # of each image at the end
    snapshot: Any = None  # state of its training, if that is in memory

    @property
    def first_lap(self) -> float:
        """Return the mean loss at the end of the first lap; infinite if it dropped out."""
        seen = [loss for step, loss in self.losses.items() if step <= FIRST]
        return float(np.mean(seen)) if self.alive and seen else math.inf

    @property
    def result(self) -> float:
        """Return the mean loss after the cool-down; infinite if there is none."""
        return float(np.mean(self.final)) if self.alive and self.final else math.inf


def rate_at(peak: float, step: int) -> float:
    """Return the rate of a step: constant, then falling linearly toward 0."""
    return peak * min(1.0, (WHOLE - step) / (WHOLE - CONSTANT))


def lattice(usual: float, span: Range) -> list[float]:
    """Return the rates to race, ascending, a factor of 2 apart, on a lattice through the usual one.

    They do not depend on where exactly a noisy range test began and ended, so that two searches
    race the same rates. Without any progress in the range test they are around the usual one.
    """
    low, high = np.log10([span.onset / BELOW, span.edge / ABOVE])
    if not span.learned:
        low, high = np.log10(usual) - 3 * SPACING, np.log10(usual) + 2 * SPACING
    first = math.ceil((low - math.log10(usual)) / SPACING - 0.5)
    last = math.floor((high - math.log10(usual)) / SPACING + 0.5)
    last = max(last, first + FEWEST - 1)
    first = max(first, last - MOST + 1)
    rates = [neighbor(usual, offset) for offset in range(first, last + 1)]
    return [rate for rate in rates if SLOWEST <= rate <= FASTEST]


def neighbor(rate: float, offset: int) -> float:
    """Return the rate `offset` steps up (or down, if negative) the lattice."""
    return float(f"{rate * 2.0**offset:.6g}")


def lowest(values: Sequence[float]) -> int:
    """Return the index of the lowest value."""
    return int(np.argmin(values))
