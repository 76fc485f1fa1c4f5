"""Rotates, zooms and shears images and looks at them from the side, in one resampling."""

import math

import numpy as np
from torch import Tensor

from cifar_core.data.augmentation.augment import Augment, Draws
from cifar_core.data.augmentation.effects.effect import Effect, upload
from cifar_core.data.augmentation.effects.warp import (
    Matrices,
    affine,
    identities,
    perspective,
    warp,
)

GEOMETRY = 101  # the purpose of its draws
SEEN_ASKEW = 0.5  # share of the images with a perspective, as in torchvision
NUMBERS = 12  # rotation, zoom, shear, whether there is a perspective, and 4 corners


def change(planes: Tensor, augment: Augment, draws: Draws) -> Tensor:
    """Move the pixels of all images that are to change."""
    matrices = drawn(augment, draws, planes.shape[-1])
    moved = np.flatnonzero((matrices != np.eye(3)).any(axis=(1, 2)))
    if len(moved):
        where = upload(moved, planes.device)
        planes[where] = warp(planes[where], matrices[moved])
    return planes


def drawn(augment: Augment, draws: Draws, side: int) -> Matrices:
    """Draw the matrices [n, 3, 3] of images of `side` pixels."""
    numbers = draws.uniform(GEOMETRY, NUMBERS)
    count = len(numbers)
    turn, zoom, slant = 2 * numbers[:, :3].T - 1
    matrices = affine(
        count,
        degrees=augment.rotation * turn,
        scale=1 + augment.zoom * zoom,
        shear_x=-np.tan(np.deg2rad(augment.shear * slant)),
    )
    if augment.perspective:
        askew = perspective(*corners_of(numbers[:, 4:], augment.perspective, side))
        is_askew = numbers[:, 3] < SEEN_ASKEW
        matrices = np.where(is_askew[:, None, None], askew, identities(count)) @ matrices
    return matrices


def corners_of(numbers: Matrices, share: float, side: int) -> tuple[Matrices, Matrices]:
    """Draw where each of the four corners goes, by numbers [n, 8].

    Returns the corners [4, 2] and their new places [n, 4, 2]: each is drawn from the whole pixels
    of a square inward of the corner, whose side is the share of half the image.
    """
    steps = math.floor(share * (side // 2)) + 1
    inward = np.floor(numbers * steps).reshape(-1, 4, 2)
    signs = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])  # of the corners, clockwise
    # torchvision counts corners from 0 to S - 1 where the middle of a pixel is at a half
    corners = signs * (side - 1) / 2 - 0.5
    return corners, corners - signs * inward


SPECS = [
    Effect(
        key="geometry",
        title="Rotation, zoom, shear and perspective",
        summary="Each image is turned, scaled and slanted by amounts drawn evenly to either side, "
        "as torchvision's RandomAffine does. With a perspective, half of the images are seen from "
        "aside, as its RandomPerspective does. What comes from outside the image is black.",
        uses=("rotation", "zoom", "shear", "perspective"),
        stage="levels",
        change=change,
    ),
]
