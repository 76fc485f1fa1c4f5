"""Decodes a picture of a set to the square that is kept, without more work than that needs."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cifar_core.data.contents import Raw
from cifar_core.data.pictures.images import on_white, square_of
from cifar_core.data.pictures.reading import read
from cifar_core.data.sizing import Sizing

FINER = 4  # a JPEG is decoded at least so many times as large as the square


@dataclass(frozen=True, kw_only=True, slots=True)
class NetworkPixels:
    """A picture as a square, and what is known of its file."""

    image: Image.Image  # square, gray or RGB
    width: int  # pixels of the whole picture, upright
    height: int
    depth: int  # bits that are used of more than 8 per channel; 0 if the file stores 8
    gray: bool  # the file has one channel
    lossy: bool  # it was stored as JPEG

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """Return the image as [stored, stored, 3]; gray ones three times."""
        return np.asarray(self.image.convert("RGB"))


def network_pixels(raw: Raw, name: str, sizing: Sizing) -> NetworkPixels:
    """Return a picture as a square of `sizing.stored` pixels a side; raises ImageError.

    Callable by many threads at once. A large JPEG is decoded at an eighth, a quarter or half of
    its size if that leaves at least four times the square; other large pictures are averaged to
    about that.
    """
    if not isinstance(raw, bytes):
        return of_array(raw, sizing)
    finest = FINER * sizing.stored

    def view(image: Image.Image, upright: Callable[[Image.Image], Image.Image]) -> Image.Image:
        shown = upright(image)
        if shown.mode == "RGBA":
            shown = on_white(shown)
        is_large = min(shown.size) >= 2 * finest
        return square_of(shown, sizing, reducing_gap=FINER if is_large else None)

    reading = read(raw, name, finest, view)
    return NetworkPixels(
        image=reading.image,
        width=reading.size[0],
        height=reading.size[1],
        depth=reading.depth,
        gray=reading.gray,
        lossy=raw[:2] == b"\xff\xd8",
    )


def of_array(raw: NDArray[np.uint8], sizing: Sizing) -> NetworkPixels:
    """Return the same of pixels [h, w] or [h, w, 3] that need no decoding."""
    height, width = raw.shape[:2]
    return NetworkPixels(
        image=square_of(Image.fromarray(raw), sizing), width=width, height=height, depth=0,
        gray=raw.ndim == 2, lossy=False,
    )  # fmt: skip
