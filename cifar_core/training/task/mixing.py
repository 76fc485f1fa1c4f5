"""Ways to mix each image of a batch with the one before it, the first with the last.

The draws are pure functions of (seed, epoch, number of the batch), so that an exact resume needs
no state. Batches are shuffled in every epoch, so the neighbor is a random image.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cifar_core.config import TrainConfig
from cifar_core.data.augmentation.philox import uniform
from cifar_core.registry import Registry
from cifar_core.training.task.batch import Batch

MIXING = 1001  # its purpose among the random numbers of philox
NUMBERS = 5  # for a batch: which way to mix, two for the share, and two for a place
BLOCK = 256  # batches drawn at once: one alone takes 170 microseconds, a step as little as 500


@dataclass(frozen=True, kw_only=True)
class MixingSpec:
    """One way to mix images; the setting of the same name is the alpha of Beta(alpha, alpha)."""

    key: str
    title: str
    summary: str
    # images [n, 3, S, S], which are changed in place, the share of an image that is to stay, and a
    # place in [0, 1) of height and width -> the share that has stayed
    mix: Callable[[Tensor, float, Sequence[float]], float]
    paper: str


def neighbors(tensor: Tensor) -> Tensor:
    """Return a copy in which each entry [n, ...] is the one before it, the first the last."""
    return torch.cat([tensor[-1:], tensor[:-1]])


def blend(images: Tensor, share: float, _: Sequence[float]) -> float:
    """Replace each image by the weighted mean of itself and its neighbor."""
    images.lerp_(neighbors(images), 1 - share)
    return share


def paste(images: Tensor, share: float, place: Sequence[float]) -> float:
    """Replace a box around a place in every image by the same box of its neighbor.

    As published, the box has the shape of the image and the area 1 - share, and is cut off at the
    edge; the share that is returned is that of the pixels that have stayed.
    """
    height, width = images.shape[2:]
    half = math.sqrt(1 - share) / 2
    top, bottom = span(place[0], half, height)
    left, right = span(place[1], half, width)
    box = images[:, :, top:bottom, left:right]
    box.copy_(neighbors(box))
    return 1 - (bottom - top) * (right - left) / (height * width)


def span(place: float, half: float, side: int) -> tuple[int, int]:
    """Return the first pixel of a box's side, and the one after its last; inside the image."""
    center, reach = int(place * side), int(half * side)
    return max(center - reach, 0), min(center + reach, side)


MIXINGS: Registry[MixingSpec] = Registry(
    "way of mixing images",
    [
        MixingSpec(
            key="mixup",
            title="Mixup",
            summary="Each image is blended with another one of its batch.",
            mix=blend,
            paper="https://arxiv.org/abs/1710.09412",  # section 2
        ),
        MixingSpec(
            key="cutmix",
            title="CutMix",
            summary="A box of each image is replaced by that of another one of its batch.",
            mix=paste,
            paper="https://arxiv.org/abs/1905.04899",  # section 3.1
        ),
    ],
)


def symmetric_beta(alpha: float, first: float, second: float) -> float:
    """Return a number in [0, 1] of Beta(alpha, alpha) from two uniform ones in [0, 1).

    Exact for every alpha > 0: t / (2 sqrt(2 alpha + t^2)) + 1/2 has this distribution if t has
    Student's with 2 alpha degrees of freedom, which is drawn by Bailey, "Polar Generation of Random
    Variates with the t-Distribution", Mathematics of Computation 62, 1994.
    """
    radius, direction = (1 - first) ** (1 / alpha), math.cos(2 * math.pi * second)
    within = radius / (radius + (1 - radius) * direction**2)
    smaller = within / (2 + 2 * math.sqrt(1 - within))  # exact near 0 too
    return smaller if direction < 0 else 1 - smaller


@lru_cache(maxsize=1)
def drawn(seed: int, epoch: int, block: int) -> NDArray[np.float64]:
    """Return the random numbers of a block of batches in an epoch, as [BLOCK, NUMBERS]."""
    batches = np.arange(block * BLOCK, (block + 1) * BLOCK)
    return uniform(seed, epoch, batches, MIXING, NUMBERS)


@dataclass(frozen=True, kw_only=True)
class Mixing:
    """The ways to mix that a run uses, one of which is drawn for each batch."""

    seed: int
    ways: tuple[tuple[MixingSpec, float], ...]  # and the alpha of each; none if nothing is mixed

    @classmethod
    def from_config(cls, config: TrainConfig) -> "Mixing":
        """Return what a run's settings ask for."""
        alphas = [(spec, getattr(config, spec.key)) for spec in MIXINGS.values()]
        return cls(seed=config.seed, ways=tuple((spec, a) for spec, a in alphas if a))

    def __call__(self, batch: Batch, *, epoch: int, number: int) -> Batch:
        """Mix a whole batch, by its number in an epoch; its images are changed in place."""
        if not self.ways:
            return batch
        block, place = divmod(number, BLOCK)
        way, first, second, *where = drawn(self.seed, epoch, block)[place].tolist()
        spec, alpha = self.ways[int(way * len(self.ways))]
        share = spec.mix(batch.images, symmetric_beta(alpha, first, second), where)
        return replace(batch, others=neighbors(batch.labels), share=share)
