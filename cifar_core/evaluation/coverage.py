"""Coverage against accuracy: how much better a network is if it may leave the unsure images out.

Selective classification: El-Yaniv and Wiener 2010, https://jmlr.org/papers/v11/el-yaniv10a.html;
by the probability of the answer, as in Geifman and El-Yaniv 2017, https://arxiv.org/abs/1705.08500
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cifar_core.evaluation.scores import Share


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """What each threshold leaves, from the strictest to none; P different probabilities."""

    thresholds: NDArray[np.float64]  # [P] falling; answered if the probability is at least this
    coverage: NDArray[np.float64]  # [P] share of the images that get an answer, in (0, 1]
    accuracy: NDArray[np.float64]  # [P] share of right ones among those, in [0, 1]


def coverage(sureness: NDArray[np.float64], right: NDArray[np.bool_]) -> Coverage:
    """Return coverage and accuracy at each threshold on the probability [N] of the answer."""
    order = np.argsort(-sureness, kind="stable")
    ranked, hits = sureness[order], np.cumsum(right[order])
    last = np.append(ranked[1:] != ranked[:-1], True)  # equal ones come in together
    taken = np.flatnonzero(last) + 1
    return Coverage(
        thresholds=ranked[last], coverage=taken / len(right), accuracy=hits[last] / taken
    )


def answered(
    sureness: NDArray[np.float64], right: NDArray[np.bool_], threshold: float
) -> tuple[Share, Share]:
    """Return which share is answered at a threshold, and which share of the answers is right."""
    chosen = sureness >= threshold
    count = int(chosen.sum())
    hits = int(right[chosen].sum())
    return Share(hits=count, count=len(right)), Share(hits=hits, count=count)
