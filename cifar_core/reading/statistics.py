"""Robust statistics of short series: noise, trends and the point where a line bends.

All of them rest on medians, ranks or cleaned values, because one wild epoch must not decide.
"""

import math

import numpy as np

from cifar_core.reading.curves import Values

SIGMA = 1.4826  # makes the median of absolute deviations the standard deviation of a normal
NEAR = 3  # values on either side that count for the noise around a value
OUTLIER = 4.0  # noise bands from the median of its neighbors beyond which a value is replaced
PENALTY = 4.0  # price of a further segment, in units of ln n; Yao's criterion has 3 parameters
AGREEING = 4.0  # by how much larger a sum of squares may be than the smallest: 2 standard errors
LONGEST = 240  # values of a series cut into segments; longer ones are averaged in pairs first


def pseudo_residuals(values: Values) -> Values:
    """Return how far each value, except the ends, is from the mean of its neighbors.

    Scaled to the standard deviation of a value: a straight trend cancels, noise does not.
    Gasser, Sroka and Jennen-Steinmetz, Biometrika 73 (1986), eq. 1.
    """
    return (values[1:-1] - (values[:-2] + values[2:]) / 2) / math.sqrt(1.5)


def noise_around(values: Values, floor: float = 0.0) -> Values:
    """Return the standard deviation of the noise around each value, at least `floor`.

    Robust, and local, because a high learning rate is noisy and a low one is not. Never below
    a third of the whole series' noise, as a few values can be close by accident, nor above three
    times it, as jumps are not noise. NaN for fewer than 4 values, which are too few.
    """
    if len(values) < 4:
        return np.full(len(values), np.nan)
    off = np.abs(pseudo_residuals(values))
    whole = SIGMA * float(np.median(off))
    around = np.lib.stride_tricks.sliding_window_view(
        np.pad(off, NEAR + 1, mode="symmetric"), 2 * NEAR + 1
    )
    near = SIGMA * np.median(around, axis=1)
    return np.maximum(np.clip(near, whole / 3, 3 * whole), floor)


def cleaned(values: Values, noise: Values) -> Values:
    """Return the values with single outliers replaced by the median of their neighborhood.

    Hampel's filter over five values, Journal of the American Statistical Association 69 (1974).
    """
    if len(values) < 5:
        return values
    padded = np.pad(values, 2, mode="reflect", reflect_type="odd")
    middle = np.median(np.lib.stride_tricks.sliding_window_view(padded, 5), axis=1)
    wild = np.abs(values - middle) > OUTLIER * noise
    return np.where(wild, middle, values)


def theil_sen(x: Values, y: Values) -> float:
    """Return the median slope between all pairs of points; Sen, JASA 63 (1968), eq. 2.5."""
    i, j = np.triu_indices(len(x), 1)
    return float(np.median((y[j] - y[i]) / (x[j] - x[i])))


def mann_kendall(values: Values) -> float:
    """Return the one-sided p-value of a rising trend: how often chance alone rises this steadily.

    Mann, Econometrica 13 (1945); exact up to 10 values without ties, normal beyond. A small
    number means a rising trend; pass the negated values for a falling one.
    """
    n = len(values)
    if n < 3:
        return 1.0
    i, j = np.triu_indices(n, 1)
    signs = np.sign(values[j] - values[i])
    score = float(signs.sum())
    if n <= 10:
        ways = inversions(n)
        discordant = round((len(signs) - score) / 2)
        return float(sum(ways[: discordant + 1]) / math.factorial(n))
    deviation = math.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    z = (score - np.sign(score)) / deviation
    return 0.5 * math.erfc(z / math.sqrt(2))


def inversions(n: int) -> list[int]:
    """Return how many orders of n things have 0, 1, 2, ... pairs the wrong way round."""
    ways = [1]
    for size in range(2, n + 1):
        longer = [0] * (len(ways) + size - 1)
        for index, count in enumerate(ways):
            for shift in range(size):
                longer[index + shift] += count
        ways = longer
    return ways


def knee(x: Values, y: Values) -> tuple[int, float]:
    """Return the index where a falling curve bends most, and how far it is below a straight line.

    The distance is a share of the whole fall, 0 for a straight line and near 1 for a sudden
    drop. Satopaa et al., "Finding a Kneedle in a Haystack" (2011), section III.
    """
    lowest = int(np.argmin(y))
    if lowest == 0 or y[0] <= y[lowest]:
        return 0, 0.0
    along = (x[: lowest + 1] - x[0]) / (x[lowest] - x[0])
    down = (y[0] - y[: lowest + 1]) / (y[0] - y[lowest])
    index = int(np.argmax(down - along))
    return index, float(down[index] - along[index])


def segments(values: Values, noise: Values, *, shortest: int = 3) -> list[tuple[int, int]]:
    """Cut a series into stretches that are straight but for noise, as index ranges [start, end).

    The least squares over all ways to cut it, found by dynamic programming (Bai and Perron,
    Journal of Applied Econometrics 18 (2003), section 3.1), with a price for each further
    stretch (Yao, Statistics and Probability Letters 6 (1988)); weighted by the noise.
    """
    n = len(values)
    if n < 2 * shortest:
        return [(0, n)]
    price = PENALTY * math.log(n)
    costs = straight_costs(values, 1 / noise**2)
    best, before = np.full(n + 1, np.inf), np.zeros(n + 1, dtype=int)
    best[0] = -price
    for end in range(shortest, n + 1):
        totals = best[: end - shortest + 1] + costs[: end - shortest + 1, end] + price
        before[end] = int(np.argmin(totals))
        best[end] = totals[before[end]]
    cuts, end = [], n
    while end > 0:
        cuts.append((int(before[end]), end))
        end = int(before[end])
    return cuts[::-1]


def straight_costs(values: Values, weights: Values) -> Values:
    """Return the weighted squares [n + 1, n + 1] left by the best line over each [start, end)."""
    n = len(values)
    x = np.arange(n, dtype=float)
    sums = [
        np.concatenate([[0.0], np.cumsum(weights * term)])
        for term in (np.ones(n), x, values, x * x, x * values, values * values)
    ]
    w, wx, wy, wxx, wxy, wyy = (total[None, :] - total[:, None] for total in sums)
    with np.errstate(divide="ignore", invalid="ignore"):
        sxx, sxy, syy = wxx - wx**2 / w, wxy - wx * wy / w, wyy - wy**2 / w
        left = syy - np.where(sxx > 0, sxy**2 / sxx, 0.0)
    return np.where(np.isfinite(left), np.maximum(left, 0.0), 0.0)


def lowest_ahead(x: Values, y: Values, noise: float, at: float) -> tuple[float, float]:
    """Return how low a falling series would lie at `at` if it went on, and the standard error.

    The lowest of all exponential falls, power laws and straight lines that agree with the values
    within AGREEING of the smallest sum of squares in units of the noise (a profile likelihood: Cox
    and Hinkley, Theoretical Statistics (1974), section 9.3). Series that rise count as level.
    """
    span = float(x[-1] - x[0])
    ages, ahead = x - x[0], at - float(x[0])
    shapes: list[tuple[Values, float]] = [(-ages, -ahead)]
    for pace in np.geomspace(span / 20, 3 * span, 16):
        shapes.append((np.exp(-ages / pace), math.exp(-ahead / pace)))
        shapes.append((1 / (1 + ages / pace), 1 / (1 + ahead / pace)))
    fits = [fit_ahead(shape, y, noise, there) for shape, there in shapes]
    best = min(misfit for misfit, _, _ in fits)
    _, level, error = min(
        (fit for fit in fits if fit[0] <= best + AGREEING), key=lambda fit: fit[1]
    )
    return level, error


def fit_ahead(shape: Values, y: Values, noise: float, there: float) -> tuple[float, float, float]:
    """Fit a + b * shape with b >= 0; return the misfit, the value at shape `there`, its error."""
    n, middle = len(y), float(shape.mean())
    spread = float(((shape - middle) ** 2).sum())
    b = max(0.0, float(((shape - middle) * y).sum()) / max(spread, 1e-12))
    level = float(y.mean()) + b * (there - middle)
    misfit = float(((y - y.mean() - b * (shape - middle)) ** 2).sum()) / noise**2
    return misfit, level, noise * math.sqrt(1 / n + (there - middle) ** 2 / max(spread, 1e-12))
