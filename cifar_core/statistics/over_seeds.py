"""Tests whether one setting is better than another, from a few runs of each."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, stdev

import numpy as np

EXACT = 16  # differences up to which every assignment of signs is tried
DRAWS = 20_000  # assignments drawn at random beyond that
SURE = 0.05  # p-value below which a difference counts
POWER = 0.8  # share of tries in which a true difference should be significant
LEAST = 3  # seeds; fewer show neither a spread nor an interval worth the name
MANY = 500  # seeds beyond which the formula for large samples is exact to one seed
CELLS = 2000  # of the numerical integral behind the power


@dataclass(frozen=True, kw_only=True)
class Spread:
    """How the results of one setting scatter; in the unit of the results."""

    mean: float
    deviation: float | None  # standard deviation of a single result; None for fewer than two
    count: int


@dataclass(frozen=True, kw_only=True)
class Paired:
    """The difference of two settings over their common seeds; positive if the first is higher."""

    mean: float
    interval: tuple[float, float] | None  # 95 %; None for fewer than two seeds
    deviation: float | None  # standard deviation of a single difference
    p_value: float  # of Student's paired test, two-sided
    sign_flip: float  # p-value of the exact test, which assumes only symmetry
    count: int


def spread(values: Sequence[float]) -> Spread:
    """Return mean and standard deviation of at least one result."""
    deviation = stdev(values) if len(values) > 1 else None
    return Spread(mean=fmean(values), deviation=deviation, count=len(values))


def paired(first: Mapping[int, float], second: Mapping[int, float]) -> Paired | None:
    """Compare two settings seed by seed; None if they have no seed in common.

    Runs with the same seed share the order of the images and, for equal networks, the first
    weights, so that their difference varies less than either of them.
    """
    differences = [first[seed] - second[seed] for seed in sorted(first.keys() & second.keys())]
    if not differences:
        return None
    scatter = spread(differences)
    return Paired(
        mean=scatter.mean,
        interval=mean_interval(differences),
        deviation=scatter.deviation,
        p_value=student_test(differences),
        sign_flip=sign_flip(differences),
        count=scatter.count,
    )


def mean_interval(values: Sequence[float]) -> tuple[float, float] | None:
    """Return Student's 95 % interval of the mean; None for fewer than two values."""
    sample = spread(values)
    if sample.deviation is None:
        return None
    half = student_quantile(0.975, sample.count - 1) * sample.deviation / math.sqrt(sample.count)
    return sample.mean - half, sample.mean + half


def student_test(differences: Sequence[float]) -> float:
    """Return the two-sided p-value of a mean that differs from 0; Student's paired test."""
    sample = spread(differences)
    if sample.deviation is None or sample.mean == 0:
        return 1.0
    if sample.deviation == 0:
        return 0.0
    t = abs(sample.mean) / sample.deviation * math.sqrt(sample.count)
    return max(0.0, 1 - within(t, sample.count - 1))


def within(t: float, freedom: int) -> float:
    """Return the probability that Student's t lies between -t and t, for t >= 0.

    Finite sums for an integer number of degrees of freedom, Abramowitz and Stegun 26.7.3 and
    26.7.4. https://personal.math.ubc.ca/~cbm/aands/page_948.htm
    """
    angle = math.atan(t / math.sqrt(freedom))
    cosine, odd = math.cos(angle), freedom % 2
    term, total = (cosine if odd else 1.0), 0.0
    for k in range(1 + odd, freedom, 2):
        total += term
        term *= cosine**2 * k / (k + 1)
    total *= math.sin(angle)
    return 2 / math.pi * (angle + total) if odd else total


def student_quantile(share: float, freedom: int) -> float:
    """Return the t below which Student's distribution lies with probability `share` >= 0.5."""
    low, high = 0.0, 1.0
    while within(high, freedom) < 2 * share - 1:
        high *= 2
    for _ in range(60):  # bisection to the precision of a double
        middle = (low + high) / 2
        low, high = (middle, high) if within(middle, freedom) < 2 * share - 1 else (low, middle)
    return high


def sign_flip(differences: Sequence[float]) -> float:
    """Return the share of all assignments of signs whose mean is at least as far from 0.

    Fisher's exact test for pairs (The Design of Experiments, 1935, section 21). Three seeds cannot
    get below 0.25, five not below 0.0625; at least six are needed for 0.05.
    """
    sizes = np.abs(np.asarray(differences, dtype=float))
    count = len(sizes)
    if count <= EXACT:
        signs = np.arange(2**count)[:, None] >> np.arange(count) & 1
    else:
        signs = np.random.default_rng(0).integers(0, 2, (DRAWS, count))
    sums = np.abs((2 * signs - 1) @ sizes)
    reached = abs(math.fsum(differences))
    return float(np.mean(sums >= reached - 1e-12 * max(1.0, reached)))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p-values, corrected for multiple comparisons, in the same order; Holm (1979).

    The probability of any false alarm among all comparisons then stays at the level.
    https://www.jstor.org/stable/4615733
    """
    corrected, largest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = largest
    return corrected


def seeds_needed(deviation: float, difference: float) -> int:
    """Return how many seeds show a true difference of this size in four of five tries.

    The smallest number whose paired test has a power of 0.8, at least 3; `deviation` is the
    standard deviation of the paired differences, in the unit of the difference. Guenther's formula
    for large samples (1981, https://doi.org/10.2307/2683363), n = (1.96 + 0.84)^2 (deviation /
    difference)^2 + 1.96^2 / 2, decides beyond MANY seeds and starts the search below.
    """
    normal = NormalDist()
    ends = normal.inv_cdf(1 - SURE / 2), normal.inv_cdf(POWER)
    ratio = deviation / difference
    count = math.ceil((sum(ends) * ratio) ** 2 + ends[0] ** 2 / 2)
    if count > MANY:
        return count
    count = max(LEAST, count - 2)
    while ratio and power(count, 1 / ratio) < POWER:
        count += 1
    return count


def power(count: int, effect: float) -> float:
    """Return how likely the paired test of `count` seeds, at least 2, finds an effect, 0 to 1.

    The effect is the true mean of the differences in units of their standard deviation. It is
    found if Student's t lies beyond its quantile: with the measured deviation as w times the true
    one, if a normal value around sqrt(n) times the effect lies beyond the quantile times w. That is
    averaged over the distribution of w, chi over the root of n - 1 (Cohen, Statistical Power
    Analysis, 1988, chapter 2).
    """
    freedom = count - 1
    quantile, shift = student_quantile(1 - SURE / 2, freedom), math.sqrt(count) * effect
    highest = 1 + 6 / math.sqrt(freedom)
    w = (np.arange(CELLS) + 0.5) * highest / CELLS  # the middle of each cell
    logs = (freedom - 1) * np.log(w) - freedom * w**2 / 2
    weights = np.exp(logs - logs.max())
    found = [
        0.5 * math.erfc((quantile * x - shift) / math.sqrt(2))
        + 0.5 * math.erfc((quantile * x + shift) / math.sqrt(2))
        for x in w.tolist()
    ]
    return float(weights @ np.array(found) / weights.sum())


def verdict(first: str, second: str, result: Paired | None, *, corrected: float = 0.0) -> str:
    """Return the result of comparing two settings' accuracies (0 to 1), in plain words.

    `corrected` is the p-value after `holm` when there were several comparisons.
    """
    if result is None:
        return f"{first} and {second} have no finished run of the same seed yet."
    if result.interval is None or result.deviation is None:
        return (
            f"{direction(first, second, result.mean)} with the one seed that both have, which "
            "cannot rule out chance. Train both with more seeds."
        )
    low, high = (100 * end for end in result.interval)
    if result.p_value >= SURE:
        return (
            f"No difference between {first} and {second} that {result.count} seeds can show: "
            f"{100 * result.mean:+.2f} points (95 % interval {low:+.2f} to {high:+.2f} points). "
            f"{needed(result.deviation)}"
        )
    if result.mean < 0:  # from the better one's side
        low, high = -high, -low
    between = f"95 % interval {low:.2f} to {high:.2f} points, {result.count} seeds"
    words = f"{direction(first, second, result.mean)} ({between})."
    if max(corrected, result.p_value) >= SURE:
        return f"Perhaps: {words} With this many comparisons, a difference like this can be chance."
    return words


def direction(first: str, second: str, difference: float) -> str:
    """Return which of the two is better and by how many points, in words."""
    if difference == 0:
        return f"{first} equals {second}"
    better, worse = (first, second) if difference > 0 else (second, first)
    return f"{better} is better than {worse} by {100 * abs(difference):.2f} points"


def needed(deviation: float) -> str:
    """Return how many seeds would show half a point and a whole point, in words."""
    half, whole = seeds_needed(deviation, 0.005), seeds_needed(deviation, 0.01)
    if half == whole:
        return f"{half} seeds would be needed to see 0.5 points."
    return f"{half} seeds would be needed to see 0.5 points, {whole} for 1 point."
