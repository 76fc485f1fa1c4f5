"""Derives a rate, an interval and a plateau from the final losses of the candidates."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

DRAWS = 300  # of the bootstrap
LEAST_HALF = 0.1  # decades on each side that an interval covers at least
BETTER = 0.5  # share of the best progress that a point of the fitted parabola may lack
NEAR_BEST = 0.05  # share of the best progress that a rate on the plateau may lack
LEARNED = 3.5  # standard errors; chance passes it once in 4,000 rates
POORLY = 0.6  # decades between suggestions: a factor of 4


def vertex(x: Values, losses: Values, start: float) -> float:
    """Return the lowest point of a parabola fitted to the better points and the lowest's neighbors.

    `x` are log10 rates, ascending; a loss that is not finite is infinite; `start` is the loss
    before any step. The parabola is fitted by least squares to all points that made half of the
    best progress: one through three points alone depends too much on the order of the batches. The
    vertex stays within half a step of the lowest point, which is returned itself if the parabola
    does not open upward.
    """
    best = int(np.argmin(losses))
    if not 0 < best < len(x) - 1 or not np.isfinite(losses[best - 1 : best + 2]).all():
        return float(x[best])
    good = losses <= losses[best] + BETTER * (start - losses[best])
    good[best - 1 : best + 2] = True
    curvature, slope, _ = np.polyfit(x[good] - x[best], losses[good], 2)
    if curvature <= 0:
        return float(x[best])
    low, high = (x[best - 1] - x[best]) / 2, (x[best + 1] - x[best]) / 2
    return float(x[best] + np.clip(-slope / (2 * curvature), low, high))


def interval(x: Values, losses: Values, start: float, seed: int = 0) -> tuple[float, float]:
    """Return the 90 % interval of the vertex over draws of the probe images.

    `losses` [R, N] are those of N images at R rates. The interval is at least 0.1 decades wide on
    each side, because other weights and batches move the vertex too, which these draws ignore.
    """
    random = np.random.default_rng(seed)
    count = losses.shape[1]
    draws = (losses[:, random.integers(0, count, count)].mean(1) for _ in range(DRAWS))
    vertices = [vertex(x, draw, start) for draw in draws]
    middle = vertex(x, losses.mean(1), start)
    low, high = np.percentile(vertices, [5, 95])
    return min(float(low), middle - LEAST_HALF), max(float(high), middle + LEAST_HALF)


def plateau(x: Values, losses: Values, start: float) -> tuple[float, float]:
    """Return the log10 rates between which at least 95 % of the best progress is made."""
    best = int(np.argmin(losses))
    limit = losses[best] + NEAR_BEST * (start - losses[best])
    return crossing(x, losses, best, -1, limit), crossing(x, losses, best, 1, limit)


def crossing(x: Values, losses: Values, best: int, way: int, limit: float) -> float:
    """Walk from the best point until the loss passes the limit, with straight lines between."""
    here = best
    while 0 <= here + way < len(x):
        there = here + way
        if losses[there] > limit:
            rise = losses[there] - losses[here]
            share = (limit - losses[here]) / rise if np.isfinite(rise) else 0.0
            return float(x[here] + share * (x[there] - x[here]))
        here = there
    return float(x[here])


def clearly_better(losses: Sequence[float], than: Sequence[float], seed: int = 0) -> bool:
    """Return True if `losses` of the same images are lower than `than`, with 95 % confidence."""
    gain = np.asarray(than) - np.asarray(losses)
    draws = np.random.default_rng(seed).integers(0, len(gain), (DRAWS, len(gain)))
    return bool(np.percentile(gain[draws].mean(1), 2.5) > 0)


def learned(losses: Sequence[float], guess: Values) -> bool:
    """Return True if the losses [N] of the probe images are lower than those of guessing.

    Lower by more than LEARNED standard errors of the difference, image by image, because the best
    of several rates would otherwise often seem to have learned something by chance.
    """
    if not losses:
        return False
    gain = guess - np.asarray(losses)
    return bool(gain.mean() > LEARNED * gain.std() / np.sqrt(len(gain)))


def longer(steps: int, *, raced: int, annealed: bool, normalized: bool) -> float:
    """Return the divisor of the race's best rate for a training of `steps` steps, 1 to 4.

    Without normalization the best rate falls as training gets longer: measured, not derived.
    """
    if normalized:
        return 1.0
    return float(np.clip((steps / raced) ** (0.25 if annealed else 0.5), 1.0, 4.0))


def agreement(rates: Sequence[float]) -> str:
    """Return how well the suggestions of several searches agree, in words."""
    decades = float(np.ptp(np.log10(rates)))
    if decades <= np.log10(2):
        factor = 10**decades
        return f"The {len(rates)} suggestions agree within a factor of {factor:.1f}: trust them."
    if decades <= POORLY:
        return (
            f"The {len(rates)} suggestions differ by a factor of {10**decades:.1f}: take the "
            "middle one; it is only a rough value."
        )
    return f"The {len(rates)} suggestions spread over {decades:.1f} decades: do not trust them."


def middle(rates: Sequence[float]) -> float:
    """Return the geometric mean of several suggestions, with three digits."""
    return float(f"{10 ** np.log10(rates).mean():.3g}")
