"""Coverage and accuracy: how much better a network is if it can skip images with low confidence.

Selective classification: El-Yaniv and Wiener 2010, https://jmlr.org/papers/v11/el-yaniv10a.html;
by the confidence, as in Geifman and El-Yaniv 2017, https://arxiv.org/abs/1705.08500
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cifar_core.evaluation.scores import Share


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """Coverage and accuracy at each threshold, the strictest first; P different values."""

    thresholds: NDArray[np.float64]  # [P] falling; the lowest confidence that counts
    coverage: NDArray[np.float64]  # [P] share of the images with a prediction, in (0, 1]
    accuracy: NDArray[np.float64]  # [P] share of right predictions among those, in [0, 1]


def coverage(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> Coverage:
    """Return coverage and accuracy at each threshold on the confidence [N] of the predictions."""
    order = np.argsort(-confidence, kind="stable")
    ranked, hits = confidence[order], np.cumsum(right[order])
    last = np.append(ranked[1:] != ranked[:-1], True)  # equal ones are added together
    taken = np.flatnonzero(last) + 1
    return Coverage(
        thresholds=ranked[last], coverage=taken / len(right), accuracy=hits[last] / taken
    )


def at_threshold(
    confidence: NDArray[np.float64], right: NDArray[np.bool_], threshold: float
) -> tuple[Share, Share]:
    """Return the share of images with a prediction at a threshold, and the share of right ones."""
    chosen = confidence >= threshold
    count = int(chosen.sum())
    hits = int(right[chosen].sum())
    return Share(hits=count, count=len(right)), Share(hits=hits, count=count)
