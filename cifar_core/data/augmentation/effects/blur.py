"""Blurs images by a Gaussian, each by its own width."""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cifar_core.data.augmentation.augment import Augment, Draws
from cifar_core.data.augmentation.effects.effect import Effect, upload
from cifar_core.data.dataset import SIZE

BLUR = 104  # the purpose of its draws
LEAST = 0.05  # smallest standard deviation as a share of the largest: torchvision's 0.1 of 2.0
REACH = 3.0  # standard deviations that the kernel reaches to either side


def change(images: Tensor, augment: Augment, draws: Draws) -> Tensor:
    """Blur each image by a width of its own."""
    largest = augment.blur * images.shape[-1] / SIZE
    sigmas = widths(draws, largest).astype(np.float32)
    return blurred(images, upload(sigmas, images.device), largest)


def widths(draws: Draws, largest: float) -> NDArray[np.float64]:
    """Draw the standard deviation [n] of each image evenly, from hardly any to the largest."""
    return largest * (LEAST + (1 - LEAST) * draws.uniform(BLUR, 1)[:, 0])


def blurred(images: Tensor, sigmas: Tensor, largest: float) -> Tensor:
    """Blur images [n, 3, S, S] by standard deviations [n] in pixels, of which none is larger.

    The image is mirrored at its edges. A blur along an axis is a product with a banded matrix, so
    that each image can have a kernel of its own.
    """
    side, radius = images.shape[-1], math.ceil(REACH * largest)
    steps = torch.arange(-radius, radius + 1, device=images.device)
    kernels = torch.exp(-0.5 * (steps / sigmas[:, None]) ** 2)  # [n, 2 * radius + 1]
    kernels /= kernels.sum(1, keepdim=True)
    sources = (torch.arange(side, device=images.device)[:, None] + steps).abs()
    sources = torch.where(sources < side, sources, 2 * (side - 1) - sources)  # [S, 2 * radius + 1]
    bands = torch.zeros(len(images), side, side, device=images.device)
    bands.scatter_add_(
        2, sources.expand(len(images), -1, -1), kernels[:, None].expand(-1, side, -1)
    )
    return bands[:, None] @ images @ bands.transpose(1, 2)[:, None]


SPECS = [
    Effect(
        key="blur",
        title="Gaussian blur",
        summary="Every image is blurred, from hardly to the standard deviation that is set, as "
        "torchvision's GaussianBlur does.",
        uses=("blur",),
        stage="planes",
        change=change,
    ),
]
