"""The range test: it finds the rates between which to race, and no more than that.

One step per rate misses the instability that momentum builds up over many, so a range test cannot
find the best rate. It finds where learning begins and where it certainly ends.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

LOW, HIGH, STEPS = 1e-5, 10.0, 60  # the first rate, the last, and their number
EXPLODED = 2.0  # times the first loss
LOST = 0.5  # share of the best progress
RUN = 3  # points in a row that must have lost it
SOME = 0.02  # share of the first loss that counts as progress at all
BEGUN = 0.1  # share of the best progress at which learning has begun
SIGMA = 1.5  # of the smoothing, in steps


@dataclass(frozen=True)
class Range:
    """The rates at which learning begins and ends; `learned` is False if it never began."""

    onset: float
    edge: float
    learned: bool


def rates() -> Values:
    """Return the rates of the range test, one for each step."""
    return np.geomspace(LOW, HIGH, STEPS)


def end_of(losses: Sequence[float], start: float) -> int | None:
    """Return the index at which the test ended: the loss exploded, or its progress was lost."""
    best, lost = np.inf, 0
    for index, loss in enumerate(losses):
        if not np.isfinite(loss) or loss > EXPLODED * start:
            return index
        best = min(best, loss)
        progress = start - best
        lost = lost + 1 if progress > SOME * start and loss > best + LOST * progress else 0
        if lost == RUN:
            return index - RUN + 1
    return None


def find_range(tried: Sequence[float], losses: Sequence[float], start: float) -> Range:
    """Return where learning begins and ends, given the losses after a step at each rate."""
    end = end_of(losses, start)
    edge = len(losses) - 1 if end is None else end
    curve = smoothed(np.array([min(loss, EXPLODED * start) for loss in losses[: edge + 1]]))
    curve = np.where(np.isfinite(curve), curve, EXPLODED * start)
    best = float(curve.min(initial=start))
    if start - best < SOME * start:
        return Range(tried[0], tried[edge], learned=False)
    begun = int(np.argmax(start - curve >= BEGUN * (start - best)))
    return Range(tried[begun], tried[edge], learned=True)


def smoothed(values: Values, sigma: float = SIGMA) -> Values:
    """Fit a line around each point, with more weight on near ones: no lag, no bent ends."""
    index = np.arange(len(values))
    distance = index[None, :] - index[:, None]
    weight = np.exp(-0.5 * (distance / sigma) ** 2)
    s0, s1, s2 = weight.sum(1), (weight * distance).sum(1), (weight * distance**2).sum(1)
    t0, t1 = weight @ values, (weight * distance) @ values
    spread = s0 * s2 - s1**2
    return np.where(spread > 1e-9, (t0 * s2 - t1 * s1) / np.maximum(spread, 1e-9), t0 / s0)
