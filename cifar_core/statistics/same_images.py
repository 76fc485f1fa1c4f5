"""Tests whether two networks differ, from their predictions on the same images.

Only images that exactly one of the two gets right say anything about a difference. The result
holds for these two networks, not for their settings: the same settings with another seed give
another network (see over_seeds.py).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cifar_core.statistics.intervals import wilson

Flags = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Counts:
    """How many of the images both, one or neither of two networks get right."""

    both: int
    only_first: int
    only_second: int
    neither: int

    @property
    def total(self) -> int:
        """All images."""
        return self.both + self.only_first + self.only_second + self.neither

    @property
    def first(self) -> float:
        """The first network's accuracy, 0 to 1."""
        return (self.both + self.only_first) / self.total

    @property
    def second(self) -> float:
        """The second network's accuracy, 0 to 1."""
        return (self.both + self.only_second) / self.total

    @property
    def difference(self) -> float:
        """By how much the first network is more accurate, -1 to 1."""
        return (self.only_first - self.only_second) / self.total

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the difference."""
        return difference_interval(self)

    @property
    def p_value(self) -> float:
        """The two-sided p-value of the difference."""
        return mcnemar(self.only_first, self.only_second)


def counted(first: Flags, second: Flags) -> Counts:
    """Count from flags [N] that are True where each network is right; at least one image."""
    return Counts(
        both=int((first & second).sum()),
        only_first=int((first & ~second).sum()),
        only_second=int((~first & second).sum()),
        neither=int((~first & ~second).sum()),
    )


def mcnemar(only_first: int, only_second: int) -> float:
    """Return the mid-p value of McNemar's exact test, two-sided.

    If neither network were better, each image that only one gets right would go to either with
    equal probability: the p-value counts the splits that are more uneven, and half of those that
    are equally uneven. Dietterich (1998) recommends McNemar's test for two trained classifiers,
    https://doi.org/10.1162/089976698300017197; Fagerland, Lydersen and Laake (2013) its mid-p
    form, which keeps the level without being as conservative, for any number of images:
    https://doi.org/10.1186/1471-2288-13-91
    """
    count, fewer = only_first + only_second, min(only_first, only_second)
    if count == 0:
        return 1.0
    probabilities = coin(count)
    as_uneven = probabilities[fewer] + (probabilities[count - fewer] if 2 * fewer != count else 0.0)
    return float(min(1.0, 2 * probabilities[:fewer].sum() + as_uneven / 2))


def coin(count: int) -> NDArray[np.float64]:
    """Return the probabilities of 0, 1, ... `count` heads in `count` throws of a fair coin."""
    heads = np.arange(1, count + 1)
    steps = np.log(count - heads + 1.0) - np.log(heads)  # ratios of binomial coefficients
    logs: NDArray[np.float64] = np.concatenate([[0.0], np.cumsum(steps)]) - count * math.log(2)
    return np.exp(logs)


def difference_interval(counts: Counts) -> tuple[float, float]:
    """Return Newcombe's 95 % interval of the difference of two accuracies on the same images.

    Method 10 of Newcombe (1998): the Wilson intervals of both accuracies, squared and added, with
    the correlation of the two networks subtracted. It stays within -1 and 1 and also holds for few
    images. https://doi.org/10.1002/(SICI)1097-0258(19981130)17:22<2635::AID-SIM954>3.0.CO;2-C
    """
    first, second, total = counts.first, counts.second, counts.total
    (low1, high1), (low2, high2) = wilson(first, total), wilson(second, total)
    phi, center = correlation(counts), counts.difference

    def reach(a: float, b: float) -> float:
        return math.sqrt(max(0.0, a**2 - 2 * phi * a * b + b**2))

    return (
        max(-1.0, center - reach(first - low1, high2 - second)),
        min(1.0, center + reach(high1 - first, second - low2)),
    )


def correlation(counts: Counts) -> float:
    """Return the correlation of the networks' successes, -1 to 1, with Newcombe's correction."""
    a, b, c, d = counts.both, counts.only_first, counts.only_second, counts.neither
    margins = (a + b) * (c + d) * (a + c) * (b + d)
    if margins == 0:
        return 0.0
    product = float(a * d - b * c)
    if product > 0:
        product = max(0.0, product - counts.total / 2)
    return product / math.sqrt(margins)


def by_class(first: Flags, second: Flags, labels: NDArray[np.int64], classes: int) -> list[Counts]:
    """Return the counts for the images of each class [K]; the labels [N] are in 0..K-1."""
    return [counted(first[labels == k], second[labels == k]) for k in range(classes)]


def confusion_difference(
    first: NDArray[np.int64], second: NDArray[np.int64], labels: NDArray[np.int64], classes: int
) -> NDArray[np.int64]:
    """Return how often the first predicts each class (column) for a row's, minus the second [K, K].

    Every row adds up to 0.
    """
    cells = np.bincount(labels * classes + first, minlength=classes**2)
    cells = cells - np.bincount(labels * classes + second, minlength=classes**2)
    return cells.reshape(classes, classes)


def front(costs: Sequence[float], accuracies: Sequence[float]) -> list[int]:
    """Return the indices of the Pareto front: nothing that is as cheap or cheaper beats them.

    They are in the order of their cost.
    """
    order = sorted(range(len(costs)), key=lambda i: (costs[i], -accuracies[i]))
    kept: list[int] = []
    for index in order:
        if not kept or accuracies[index] > accuracies[kept[-1]]:
            kept.append(index)
    return kept
