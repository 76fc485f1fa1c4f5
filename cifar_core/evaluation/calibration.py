"""Compares confidence with accuracy: reliability, expected calibration error, Brier score."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

DRAWS = 300  # networks that are drawn for an interval
BINS = 15  # as in Guo et al. 2017, https://arxiv.org/abs/1706.04599


class Tendency(StrEnum):
    """How a network's confidence compares with its accuracy."""

    RIGHT = "right"  # the difference is no more than chance
    OVER = "over"
    UNDER = "under"
    MIXED = "mixed"  # too high at some levels of confidence and too low at others


@dataclass(frozen=True, kw_only=True)
class Reliability:
    """Images sorted into B bins of equal width by the confidence of the prediction."""

    edges: NDArray[np.float64]  # [B + 1] from 0 to 1; a bin has its upper edge, not its lower
    counts: NDArray[np.int64]  # [B] images
    confidence: NDArray[np.float64]  # [B] mean confidence; NaN in an empty bin
    accuracy: NDArray[np.float64]  # [B] share of right predictions; NaN in an empty bin
    by_chance: tuple[float, float]  # ECE of a perfect network on as many images, 95 % of tries

    @property
    def ece(self) -> float:
        """The expected calibration error in [0, 1]: the bins' mean gap, weighted by their images.

        Guo et al. 2017, equation 3.
        """
        filled = self.counts > 0
        gaps = np.abs(self.accuracy - self.confidence)[filled]
        return float((self.counts[filled] * gaps).sum() / self.counts.sum())

    @property
    def excess(self) -> float:
        """The mean confidence minus the accuracy, in [-1, 1]."""
        filled = self.counts > 0
        gaps = (self.confidence - self.accuracy)[filled]
        return float((self.counts[filled] * gaps).sum() / self.counts.sum())

    @property
    def tendency(self) -> Tendency:
        """How the confidence compares with the accuracy.

        Mixed if less than half of the calibration error points in one direction.
        """
        if self.ece <= self.by_chance[1]:
            return Tendency.RIGHT
        if abs(self.excess) < self.ece / 2:
            return Tendency.MIXED
        return Tendency.OVER if self.excess > 0 else Tendency.UNDER


def reliability(
    probabilities: NDArray[np.float64], labels: NDArray[np.integer], bins: int = BINS
) -> Reliability:
    """Compare the confidence of predictions with their accuracy, from probabilities [N, K]."""
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    edges = np.linspace(0, 1, bins + 1)
    bin_of = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, bins - 1)
    counts = np.bincount(bin_of, minlength=bins)
    by_chance = errors_by_chance(confidence, bin_of, bins)
    with np.errstate(invalid="ignore"):
        return Reliability(
            edges=edges,
            counts=counts,
            confidence=np.bincount(bin_of, confidence, bins) / counts,
            accuracy=np.bincount(bin_of, right, bins) / counts,
            by_chance=(float(by_chance[0]), float(by_chance[1])),
        )


def errors_by_chance(
    confidence: NDArray[np.float64], bin_of: NDArray[np.integer], bins: int
) -> NDArray[np.float64]:
    """Return the ends of the interval that holds 95 % of a perfect network's calibration errors.

    Such a network, with the same confidence [N] and bins [N], is right about each image with a
    probability equal to its confidence, so its errors are drawn: consistency resampling, Brocker
    and Smith 2007, https://doi.org/10.1175/WAF993.1. Every call draws the same.
    """
    rng, expected = np.random.default_rng(0), np.bincount(bin_of, confidence, bins)
    drawn = [
        np.abs(np.bincount(bin_of[rng.random(len(confidence)) < confidence], minlength=bins)
               - expected).sum() / len(confidence)
        for _ in range(DRAWS)
    ]  # fmt: skip
    ends: NDArray[np.float64] = np.quantile(drawn, [0.025, 0.975])
    return ends


def brier(probabilities: NDArray[np.float64], labels: NDArray[np.integer]) -> float:
    """Return the mean squared distance of the probabilities [N, K] from the truth, in [0, 2].

    Brier 1950, equation 2: summed over all classes.
    """
    truth = np.eye(probabilities.shape[1])[labels]
    return float(((probabilities - truth) ** 2).sum(axis=1).mean())
