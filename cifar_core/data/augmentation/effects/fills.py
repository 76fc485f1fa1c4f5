"""Blanks out parts of images with the data's mean color: a square, or a random rectangle."""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cifar_core.data.augmentation.augment import Augment, Draws, scaled
from cifar_core.data.augmentation.effects.effect import Effect, filling, upload

ERASING = 105  # the purpose of its draws
AREAS, RATIOS = (0.02, 0.33), (0.3, 3.3)  # shares of the image, height to width: torchvision's
TRIES = 4  # 1 of 300 rectangles does not fit into the image; torchvision draws up to 10


def cutout(images: Tensor, augment: Augment, draws: Draws) -> Tensor:
    """Blank out a square of each image."""
    side = scaled(augment.cutout, images.shape[-1])
    cut_out(images, upload(draws.holes, images.device), side, filling(images.device))
    return images


def cut_out(images: Tensor, holes: Tensor, side: int, color: Tensor) -> None:
    """Fill a square of each image [n, 3, H, W], stored channels-last.

    `holes` [2, n] are the tops and lefts, `color` is [3].
    """
    count, _, height, width = images.shape
    here = torch.arange(max(count, side), device=images.device)
    square = here[:side, None] * width + here[:side]  # [side, side], as the pixels are numbered
    tops, lefts = holes
    corners = here[:count] * (height * width) + tops * width + lefts
    pixels = images.permute(0, 2, 3, 1).view(-1, 3)
    pixels[(corners[:, None, None] + square).flatten()] = color


def erasing(images: Tensor, augment: Augment, draws: Draws) -> Tensor:
    """Blank out a rectangle of a share of the images."""
    boxes = rectangles(draws, augment.erasing, images.shape[-1])
    erase(images, boxes, filling(images.device))
    return images


def rectangles(draws: Draws, share: float, side: int) -> NDArray[np.int64]:
    """Draw the top, left, height and width in pixels of each image's rectangle, as [4, n].

    Those of an image that is not chosen, or that no try fits, are empty. A rectangle that is as
    high or wide as the image is drawn again, as in torchvision's RandomErasing.
    """
    numbers = draws.uniform(ERASING, 3 + 2 * TRIES)
    across, down, chance = numbers[:, :3].T
    low, high = AREAS
    areas = side**2 * (low + (high - low) * numbers[:, 3 : 3 + TRIES])
    shortest, longest = map(math.log, RATIOS)
    ratios = np.exp(shortest + (longest - shortest) * numbers[:, 3 + TRIES :])
    sizes = np.round(np.sqrt([areas * ratios, areas / ratios])).astype(np.int64)  # [2, n, TRIES]
    fits = np.all(sizes < side, axis=0)
    first = np.take_along_axis(sizes, np.argmax(fits, axis=1)[None, :, None], axis=2)[..., 0]
    first *= np.any(fits, axis=1) & (chance < share)
    corners = (np.stack([down, across]) * (side - first + 1)).astype(np.int64)
    return np.concatenate([corners, first])


def erase(images: Tensor, boxes: NDArray[np.int64], color: Tensor) -> None:
    """Fill a rectangle of each image [n, 3, S, S]; `boxes` [4, n] are top, left, height, width."""
    for image, (top, left, height, width) in zip(images, boxes.T, strict=True):
        if height:
            image[:, top : top + height, left : left + width] = color[:, None, None]


SPECS = [
    Effect(
        key="cutout",
        title="Cutout",
        summary="A square of each image is blanked out with the mean color of CIFAR-10, at a "
        "random place entirely inside the image.",
        paper="https://arxiv.org/abs/1708.04552",
        uses=("cutout",),
        stage="filled",
        change=cutout,
    ),
    Effect(
        key="erasing",
        title="Random erasing",
        summary="A rectangle of 2 to 33 % of the area is blanked out in a share of the images, as "
        "torchvision's RandomErasing does.",
        paper="https://arxiv.org/abs/1708.04896",
        uses=("erasing",),
        stage="filled",
        change=erasing,
    ),
]
