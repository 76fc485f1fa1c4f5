"""Some images as they may appear in an epoch, for a page."""

import numpy as np
from numpy.typing import NDArray

from cifar_core.data.augmentation.augment import Augment
from cifar_core.data.batches import Batches


def augmented(
    pixels: NDArray[np.uint8],
    augment: Augment,
    *,
    seed: int,
    epoch: int = 0,
    wider: NDArray[np.uint8] | None = None,
) -> NDArray[np.uint8]:
    """Return images [N, S, S, 3] in 0..255 as training gets them, rounded to whole levels.

    `wider` are the same images with more around, as in `Images`.
    """
    labels = np.zeros(len(pixels), np.int64)
    batches = Batches(
        pixels, labels, wider=wider, batch_size=len(pixels), augment=augment, seed=seed
    )
    images, _ = next(batches.epoch(epoch))
    levels: NDArray[np.uint8] = (images * 255).round().byte().permute(0, 2, 3, 1).numpy()
    return levels
