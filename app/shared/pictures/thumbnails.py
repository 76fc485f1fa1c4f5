"""Pictures at the size at which a page shows them, so that no page sends megabytes of them."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def thumbnails(pixels: NDArray[np.uint8], width: int) -> NDArray[np.uint8]:
    """Shrink pictures [N, side, side, 3] to `width` pixels; smaller ones stay as they are."""
    if pixels.shape[1] <= width:
        return pixels
    small = [
        np.asarray(Image.fromarray(picture).resize((width, width), Image.Resampling.BICUBIC))
        for picture in pixels
    ]
    return np.stack(small) if small else np.zeros((0, width, width, 3), np.uint8)
