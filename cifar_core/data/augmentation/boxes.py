"""Draws the parts of pictures that random resized crops show, as torchvision does."""

import numpy as np
from numpy.typing import NDArray

from cifar_core.data.augmentation.philox import uniform

RESIZED_CROP = 8  # its purpose among the random numbers of an image
TRIES = 10
NUMBERS = 2 * TRIES + 2  # random numbers of an image: area and shape of each try, then the place
NARROWEST, WIDEST = 3 / 4, 4 / 3  # width by height


def draw_boxes(
    images: NDArray[np.int64], *, seed: int, epoch: int, side: int, least: float
) -> NDArray[np.int64]:
    """Draw a box for each image [n]: tops, lefts, heights and widths in pixels, as [4, n].

    The boxes lie in square pictures of `side` pixels and cover at least the share `least`, above 0
    to 1, of their area, as `random_resized_crop` says. They are functions of (seed, epoch, image).
    """
    return boxes_from(uniform(seed, epoch, images, RESIZED_CROP, NUMBERS), side, least)


def boxes_from(numbers: NDArray[np.float64], side: int, least: float) -> NDArray[np.int64]:
    """Turn random numbers [n, NUMBERS] in [0, 1) into boxes [4, n]: `RandomResizedCrop.get_params`.

    The area is uniform between `least` and all, the logarithm of the shape uniform between those
    of 3/4 and 4/3. The first of ten tries that fits is taken; without one, the whole picture.
    """
    area = side**2 * (least + (1 - least) * numbers[:, 0 : 2 * TRIES : 2])
    low, high = np.log([NARROWEST, WIDEST])
    shape = np.exp(low + (high - low) * numbers[:, 1 : 2 * TRIES : 2])
    sizes = np.rint(np.sqrt([area / shape, area * shape])).astype(np.int64)  # [2, n, TRIES]
    fits = (sizes.min(axis=0) > 0) & (sizes.max(axis=0) <= side)
    first = fits.argmax(axis=1)
    sizes = np.where(fits.any(axis=1), sizes[:, np.arange(len(first)), first], side)
    corners = np.floor(numbers[:, 2 * TRIES :].T * (side - sizes + 1)).astype(np.int64)
    return np.concatenate([corners, sizes])
