"""Temperature scaling: one number that brings a network's confidence in line with its accuracy.

The logits are divided by it before the softmax. The predictions and the accuracy stay the same.
Guo et al. 2017, section 4.2, https://arxiv.org/abs/1706.04599

A few images say little about it: if all of them are right, their likelihood alone would make the
network infinitely sure. So a prior holds the temperature near 1, and another one than 1 is used
only if images that it was not fitted on show that it is better.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cifar_core.errors import CifarError
from cifar_core.evaluation.softmax import log_softmax, softmax
from cifar_core.statistics.intervals import NORMAL_95

LOWEST, HIGHEST = 0.01, 100.0  # reached without a prior if all are right, or no better than chance
CLOSE = 1e-10  # relative change of the sharpness below which the search ends
STEPS = 100
PRIOR = 10.0  # weight of the prior, chosen by measuring: benchmarks/RESULTS.md
FEWEST = 30  # images; with fewer, chance decides too often
CLEAR = 1.645  # standard errors by which left-out images must gain: 5 % by chance, one-sided


@dataclass(frozen=True, kw_only=True)
class TemperatureFit:
    """What images with known classes say about the temperature."""

    found: float  # the most probable temperature
    interval: tuple[float, float]  # 95 %, from the curvature around it
    images: int
    gain: float  # mean fall of the negative log-likelihood of left-out images, in nats
    is_clear: bool  # whether that gain is more than chance

    @property
    def temperature(self) -> float:
        """The temperature to use: 1, which changes nothing, unless another one clearly helps."""
        return self.found if self.is_clear else 1.0

    @property
    def why_not(self) -> str:
        """Why the probabilities stay as they are, in a sentence; empty if they do not."""
        if self.is_clear:
            return ""
        if self.images < FEWEST:
            return (
                f"A calibration needs at least {FEWEST} validation images, but there "
                f"{'is' if self.images == 1 else 'are'} {self.images}."
            )
        return (
            f"On the {self.images:,} validation images, no temperature is clearly better than "
            "leaving the probabilities as they are."
        )


def fit(logits: NDArray[np.floating], labels: NDArray[np.integer]) -> TemperatureFit:
    """Fit a temperature to labels [N], given logits [N, K]; at least one image.

    Each image is also left out once: the temperature of the others is one Newton step from that of
    all. If the likelihood of the images left out gains no more than chance would, over T = 1, then
    T = 1 is used.
    """
    found, count = fit_temperature(logits, labels), len(labels)
    z, sharpness = logits.astype(np.float64), 1 / found
    slopes, curvatures = slopes_and_curvatures(z, labels, sharpness)
    total = curvatures.sum() + PRIOR / sharpness**2
    without = np.clip(sharpness + slopes / (total - curvatures), 1 / HIGHEST, 1 / LOWEST)
    gains = nll(z, labels, np.ones(count)) - nll(z, labels, without)
    error = gains.std(ddof=1) / math.sqrt(count) if count > 1 else math.inf
    factor = math.exp(NORMAL_95 / (sharpness * math.sqrt(total)))
    return TemperatureFit(
        found=found,
        interval=(found / factor, found * factor),
        images=count,
        gain=float(gains.mean()),
        is_clear=bool(count >= FEWEST and gains.mean() > CLEAR * error),
    )


def fit_temperature(
    logits: NDArray[np.floating], labels: NDArray[np.integer], prior: float = PRIOR
) -> float:
    """Return the most probable temperature for labels [N], given logits [N, K].

    The prior is a gamma distribution of the sharpness s = 1 / temperature with its mode at 1. It
    adds prior * (s - 1 - log s) to the negative log-likelihood, and like that it is convex in s.
    The likelihood's slope is the sum of E[z] - z[label] and its curvature that of the variance of
    z, under softmax(s z). Newton's step is taken if it stays within the bounds from the slope's
    signs; otherwise their middle is. Without a prior it is the likeliest temperature.
    """
    if len(labels) == 0:
        raise CifarError(
            "A temperature needs at least one image with a known class, but there is none."
        )
    z = logits.astype(np.float64)
    low, high, sharpness = 1 / HIGHEST, 1 / LOWEST, 1.0
    for _ in range(STEPS):
        slopes, curvatures = slopes_and_curvatures(z, labels, sharpness)
        slope = slopes.sum() + prior * (1 - 1 / sharpness)
        curvature = curvatures.sum() + prior / sharpness**2
        low, high = (low, sharpness) if slope > 0 else (sharpness, high)
        step = sharpness - slope / curvature if curvature > 0 else np.inf
        following = step if low < step < high else (low + high) / 2
        if abs(following - sharpness) <= CLOSE * sharpness:
            break
        sharpness = float(following)
    return 1 / sharpness


def slopes_and_curvatures(
    z: NDArray[np.float64], labels: NDArray[np.integer], sharpness: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return each image's derivatives [N] of the negative log-likelihood by the sharpness."""
    shares = softmax(z, 1 / sharpness)
    mean = (shares * z).sum(axis=1)
    variance: NDArray[np.float64] = (shares * (z - mean[:, None]) ** 2).sum(axis=1)
    slopes: NDArray[np.float64] = mean - z[np.arange(len(labels)), labels]
    return slopes, variance


def nll(
    z: NDArray[np.float64], labels: NDArray[np.integer], sharpness: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the negative log-likelihood [N] of labels [N], each with its own sharpness [N]."""
    logs: NDArray[np.float64] = -log_softmax(z * sharpness[:, None])[np.arange(len(labels)), labels]
    return logs
