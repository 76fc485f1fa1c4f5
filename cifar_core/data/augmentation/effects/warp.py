"""Moves the pixels of images: rotation, zoom, shear and perspective as one 3 x 3 matrix each.

Coordinates are in pixels from the center of the image, to the right and down.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from cifar_core.data.augmentation.effects.effect import upload

Matrices = NDArray[np.float64]  # [n, 3, 3]


def affine(
    count: int,
    *,
    degrees: NDArray[np.float64] | float = 0.0,
    scale: NDArray[np.float64] | float = 1.0,
    shear_x: NDArray[np.float64] | float = 0.0,
    shear_y: NDArray[np.float64] | float = 0.0,
    right: NDArray[np.float64] | float = 0.0,
    down: NDArray[np.float64] | float = 0.0,
) -> Matrices:
    """Return matrices of `count` images that shear, then scale, turn clockwise and move them.

    A shear is the way that a point moves along one axis for each pixel along the other.
    """
    angle = np.deg2rad(degrees)
    turned, sheared = identities(count), identities(count)
    turned[:, 0, 0] = turned[:, 1, 1] = np.cos(angle) * scale
    turned[:, 1, 0] = np.sin(angle) * scale
    turned[:, 0, 1] = -turned[:, 1, 0]
    turned[:, 0, 2], turned[:, 1, 2] = right, down
    sheared[:, 0, 1], sheared[:, 1, 0] = shear_x, shear_y
    return turned @ sheared


def identities(count: int) -> Matrices:
    """Return matrices that move nothing."""
    return np.tile(np.eye(3), (count, 1, 1))


def perspective(corners: NDArray[np.float64], moved: NDArray[np.float64]) -> Matrices:
    """Return matrices that move four corners [4, 2] to other places [n, 4, 2], x before y."""
    count = len(moved)
    x, y = corners.T
    u, v = moved[..., 0], moved[..., 1]
    equations = np.zeros((count, 2, 4, 8))
    equations[:, 0, :, :3] = equations[:, 1, :, 3:6] = np.stack([x, y, np.ones(4)], axis=1)
    for row, target in enumerate((u, v)):
        equations[:, row, :, 6] = -x * target
        equations[:, row, :, 7] = -y * target
    targets = np.stack([u, v], axis=1).reshape(count, 8, 1)
    solved = np.linalg.solve(equations.reshape(count, 8, 8), targets)[..., 0]
    return np.hstack([solved, np.ones((count, 1))]).reshape(count, 3, 3)


def warp(planes: Tensor, matrices: Matrices) -> Tensor:
    """Move the pixels of images [n, 3, S, S] in uint8 by matrices, with black around the images.

    All are resampled once, bilinearly.
    """
    side, device = planes.shape[-1], planes.device
    back = np.linalg.inv(matrices)  # from a pixel of the result to its place in the image
    back[:, :2] *= 2 / side  # grid_sample counts from -1 to 1
    back /= back[:, 2:, 2:]
    rows = upload(back.astype(np.float32), device)
    steps = torch.arange(side, device=device) + (0.5 - side / 2)
    grid = at_pixels(rows[:, :2], steps)
    if back[:, 2, :2].any():
        grid = grid / at_pixels(rows[:, 2:], steps)
    moved = functional.grid_sample(planes.float(), grid, align_corners=False)
    return moved.round_().byte()


def at_pixels(rows: Tensor, steps: Tensor) -> Tensor:
    """Multiply rows of matrices [n, k, 3] with all pixels (x, y, 1), as [n, S, S, k].

    `steps` [S] are the coordinates of the pixels along an axis.
    """
    x, y, constant = rows[..., None].unbind(2)
    along, across = x * steps, y * steps + constant
    return (along[:, :, None, :] + across[:, :, :, None]).permute(0, 2, 3, 1)
