"""Decodes a picture of a set to what a network sees of it, without more work than that needs."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cifar_core.data.contents import Raw
from cifar_core.data.pictures.images import network_view, open_image


@dataclass(frozen=True, kw_only=True)
class NetworkPixels:
    """What a network sees of a picture, and what is known of its file."""

    pixels: NDArray[np.uint8]  # [side, side, 3]
    width: int  # pixels of the whole picture, upright
    height: int
    depth: int  # bits that are used of 16 per channel; 0 if the file does not store 16
    gray: bool  # the file has one channel
    lossy: bool  # it was stored as JPEG


def network_pixels(raw: Raw, name: str, side: int) -> NetworkPixels:
    """Return the centered square of a picture at side x side pixels; raises ImageError."""
    assert isinstance(raw, bytes)
    picture = open_image(raw, name)
    return NetworkPixels(
        pixels=np.array(network_view(picture, side)),
        width=picture.width,
        height=picture.height,
        depth=picture.info["depth"],
        gray=False,
        lossy=raw.startswith(b"\xff\xd8"),
    )
