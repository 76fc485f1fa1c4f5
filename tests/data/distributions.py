"""Whether samples are from the distributions that they should be from."""

import numpy as np

SURE = 4.0  # standard deviations: one fair draw in 30,000 lies further out


def most(freedom):
    """The chi-square that fair counts stay under (Wilson and Hilferty's approximation)."""
    part = 2 / (9 * freedom)
    return freedom * (1 - part + SURE * part**0.5) ** 3


def differ(ours, theirs):
    """Tell whether two samples of whole numbers are from different distributions: chi-square."""
    counts = np.stack([np.bincount(x, minlength=max(*ours, *theirs) + 1) for x in (ours, theirs)])
    counts = counts[:, counts.sum(axis=0) > 0]
    expected = counts.sum(axis=0) * counts.sum(axis=1, keepdims=True) / counts.sum()
    return ((counts - expected) ** 2 / expected).sum() > most(counts.shape[1] - 1)


def uneven(cells, number):
    """Tell whether cell numbers are not uniform over 0 to number - 1."""
    counts, expected = np.bincount(cells, minlength=number), len(cells) / number
    return len(counts) > number or ((counts - expected) ** 2 / expected).sum() > most(number - 1)


def distance(values, low, high):
    """How far the distribution of values is from uniform: Kolmogorov and Smirnov's distance."""
    there = (np.sort(values) - low) / (high - low)
    steps = np.arange(len(there) + 1) / len(there)
    return max(abs(there - steps[1:]).max(), abs(there - steps[:-1]).max())
