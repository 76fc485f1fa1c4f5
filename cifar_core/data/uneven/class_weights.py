"""Weights of the classes in the training loss, so that a network also learns the rare ones."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cifar_core.registry import Registry

KEPT = 0.999  # beta of the effective number: how much of a new image of a class is not yet covered


@dataclass(frozen=True, kw_only=True)
class WeighingSpec:
    """One way to weigh the classes: `of` maps the images of each class [K], all > 0, to weights.

    Only the ratios of the weights count; `weights` scales them.
    """

    key: str
    title: str
    summary: str
    of: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None  # None: every image counts 1
    paper: str = ""


WEIGHINGS: Registry[WeighingSpec] = Registry(
    "way of weighing classes",
    [
        WeighingSpec(key="none", title="None", summary="Every image counts the same.", of=None),
        WeighingSpec(
            key="balanced",
            title="Balanced",
            summary="Every class counts the same: an image weighs as much as its class is rare.",
            of=lambda counts: 1 / counts,
        ),
        WeighingSpec(
            key="square_root",
            title="Square root",
            summary="Half-way between: a class with a hundredth of the images weighs ten times.",
            of=lambda counts: 1 / np.sqrt(counts),
        ),
        WeighingSpec(
            key="effective_number",
            title="Effective number",
            summary="Like Balanced for classes of up to some hundred images; beyond a few "
            "thousand, more images of a class hardly lower its weight.",
            of=lambda counts: (1 - KEPT) / (1 - KEPT**counts),
            paper="https://arxiv.org/abs/1901.05555",
        ),
    ],
)


def weights(counts: NDArray[np.int64], weighing: str) -> NDArray[np.float64] | None:
    """Return the weight of each class [K] in the training loss; None if every image counts 1.

    `counts` [K] are the training images of each class, and `weighing` is a key of WEIGHINGS. The
    mean weight of the training images is 1, so that a learning rate keeps its meaning; classes
    without images weigh 0. "balanced" is n / (k n_c) over the k classes that occur, as in
    scikit-learn; "effective_number" is Cui et al. 2019, equation 4.
    """
    of = WEIGHINGS[weighing].of
    there = counts > 0
    if of is None or not there.any():
        return None
    result = np.zeros(len(counts))
    result[there] = of(counts[there].astype(np.float64))
    scaled: NDArray[np.float64] = result * counts.sum() / (result * counts).sum()
    return scaled
