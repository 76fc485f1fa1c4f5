"""Temperature scaling: one number that brings a network's confidence in line with its accuracy.

The logits are divided by it before the softmax. The predictions and the accuracy stay the same.
Guo et al. 2017, section 4.2, https://arxiv.org/abs/1706.04599
"""

import numpy as np
from numpy.typing import NDArray

from cifar_core.errors import CifarError
from cifar_core.evaluation.softmax import softmax

LOWEST, HIGHEST = 0.01, 100.0  # reached if all predictions are right, or no better than chance
CLOSE = 1e-10  # relative change of the sharpness below which the search ends
STEPS = 100


def fit_temperature(logits: NDArray[np.floating], labels: NDArray[np.integer]) -> float:
    """Return the temperature that maximizes the likelihood of labels [N], given logits [N, K].

    The negative log-likelihood is convex in the sharpness s = 1 / temperature: its slope is the
    mean of E[z] - z[label] and its curvature the mean variance of z, under softmax(s z). Newton's
    step is taken if it stays within the bounds from the slope's signs; otherwise their middle is.
    """
    if len(labels) == 0:
        raise CifarError(
            "A temperature needs at least one image with a known class, but there is none."
        )
    z = logits.astype(np.float64)
    target = z[np.arange(len(labels)), labels].mean()
    low, high, sharpness = 1 / HIGHEST, 1 / LOWEST, 1.0
    for _ in range(STEPS):
        slope, curvature = slope_and_curvature(z, sharpness, target)
        low, high = (low, sharpness) if slope > 0 else (sharpness, high)
        step = sharpness - slope / curvature if curvature > 0 else np.inf
        following = step if low < step < high else (low + high) / 2
        if abs(following - sharpness) <= CLOSE * sharpness:
            break
        sharpness = float(following)
    return 1 / sharpness


def slope_and_curvature(
    z: NDArray[np.float64], sharpness: float, target: float
) -> tuple[float, float]:
    """Return two derivatives of the mean negative log-likelihood with respect to the sharpness."""
    shares = softmax(z, 1 / sharpness)
    mean = (shares * z).sum(axis=1)
    variance = (shares * (z - mean[:, None]) ** 2).sum(axis=1)
    return float(mean.mean() - target), float(variance.mean())
