"""Decodes a picture of a set to what a network sees of it, without more work than that needs."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cifar_core.data.contents import Raw
from cifar_core.data.pictures.images import network_view, on_white, seen_box
from cifar_core.data.pictures.reading import read
from cifar_core.data.sizing import Sizing

FINER = 4  # a JPEG is decoded at least so many times as large as the network's view


@dataclass(frozen=True, kw_only=True, slots=True)
class NetworkPixels:
    """What a network sees of a picture, and what is known of its file."""

    image: Image.Image  # side x side, gray or RGB
    width: int  # pixels of the whole picture, upright
    height: int
    depth: int  # bits that are used of more than 8 per channel; 0 if the file stores 8
    gray: bool  # the file has one channel
    lossy: bool  # it was stored as JPEG

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """Return the image as [side, side, 3]; gray ones three times."""
        return np.asarray(self.image.convert("RGB"))


def network_pixels(raw: Raw, name: str, side: int) -> NetworkPixels:
    """Return the centered square of a picture at side x side pixels; raises ImageError.

    Callable by many threads at once. A large JPEG is decoded at an eighth, a quarter or half of
    its size if that leaves at least four times `side`; other large pictures are averaged to about
    that.
    """
    if not isinstance(raw, bytes):
        return of_array(raw, side)

    def view(image: Image.Image, upright: Callable[[Image.Image], Image.Image]) -> Image.Image:
        shown = upright(image)
        if shown.mode == "RGBA":
            shown = on_white(shown)
        if min(shown.size) < 2 * FINER * side:
            return network_view(shown, Sizing(side=side, stored=side))
        return shown.resize(
            (side, side), Image.Resampling.BICUBIC, seen_box(shown), reducing_gap=FINER
        )

    reading = read(raw, name, FINER * side, view)
    return NetworkPixels(
        image=reading.image,
        width=reading.size[0],
        height=reading.size[1],
        depth=reading.depth,
        gray=reading.gray,
        lossy=raw[:2] == b"\xff\xd8",
    )


def of_array(raw: NDArray[np.uint8], side: int) -> NetworkPixels:
    """Return the same of pixels [h, w] or [h, w, 3] that need no decoding."""
    height, width = raw.shape[:2]
    return NetworkPixels(
        image=network_view(Image.fromarray(raw), Sizing(side=side, stored=side)), width=width,
        height=height, depth=0,
        gray=raw.ndim == 2, lossy=False,
    )  # fmt: skip
