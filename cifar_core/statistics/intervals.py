"""The confidence intervals of a measured share, and of the mean of several."""

import math
from collections.abc import Sequence

NORMAL_95 = 1.959964  # standard deviations on each side that hold 95 % of a normal distribution


def wilson(share: float, count: int) -> tuple[float, float]:
    """Return the 95 % Wilson score interval of a share in [0, 1] among `count` cases.

    Unlike share plus or minus two standard errors it stays within [0, 1] and has the right coverage
    near both ends. https://doi.org/10.1080/01621459.1927.10502953
    """
    if count == 0:
        return 0.0, 1.0
    z2 = NORMAL_95**2
    center = (share + z2 / (2 * count)) / (1 + z2 / count)
    half = NORMAL_95 / (1 + z2 / count)
    half *= math.sqrt(share * (1 - share) / count + z2 / (4 * count**2))
    return max(0.0, center - half), min(1.0, center + half)


def mean_of_shares(shares: Sequence[float], counts: Sequence[int]) -> tuple[float, float]:
    """Return the 95 % interval of the mean of shares in [0, 1], each among its own cases.

    The distances of each share to the ends of its Wilson interval are combined like standard
    errors of independent values: Zou and Donner 2008, https://doi.org/10.1002/sim.3095
    """
    if not shares:
        return 0.0, 1.0
    mean = sum(shares) / len(shares)
    ends = [wilson(share, count) for share, count in zip(shares, counts, strict=True)]
    below = math.hypot(*(share - low for share, (low, _) in zip(shares, ends, strict=True)))
    above = math.hypot(*(high - share for share, (_, high) in zip(shares, ends, strict=True)))
    return max(0.0, mean - below / len(shares)), min(1.0, mean + above / len(shares))
