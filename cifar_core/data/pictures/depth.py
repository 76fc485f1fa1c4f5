"""Pictures with 16 bits per channel: how many of the bits are used, and how they become 8.

Cameras and microscopes often store 8 to 14 bits in 16, at the lower end, where a viewer that
expects the whole range shows black.
"""

import numpy as np
from PIL import Image

from cifar_core.errors import ImageError

DEPTHS = (8, 10, 12, 14, 16)  # of the sensors whose values are stored in 16 bits
BITS_PER_SAMPLE = 258  # a TIFF tag
DARK = 16  # high bytes below it mean that at most 12 bits are used


def gray_of(image: Image.Image, data: bytes) -> tuple[Image.Image, int]:
    """Return a 16-bit gray picture with 8 bits, and how many bits its values use.

    The file says it with the chunk sBIT (PNG specification, 11.3.2.7); if it does not, the
    largest value does. Between 8 and 16; 0 for a picture that is all black.
    """
    values = np.asarray(image)
    largest = int(values.max(initial=0))
    depth = next(depth for depth in DEPTHS if largest < 2**depth)
    stated = significant_bits(data)
    if 8 <= stated < 16 and largest < 2**stated:  # else its values are scaled to the whole range
        depth = stated
    gray = Image.fromarray((values >> (depth - 8)).astype(np.uint8))
    return gray, depth if largest else 0


def refuse_dark_color(image: Image.Image, data: bytes, name: str) -> None:
    """Raise ImageError for 16-bit colors in the lower bits, which the decoder drops."""
    if bits_per_channel(image, data) < 16:
        return
    colors = image.getbands()[: 1 if image.mode == "LA" else 3]
    if all(np.asarray(image.getchannel(color)).max() < DARK for color in colors):
        raise ImageError(
            f"{name} stores 16 bits per channel, but uses at most 12 of them, so it would be "
            "black. Save it with 8 bits per channel, for example as PNG."
        )


def bits_per_channel(image: Image.Image, data: bytes) -> int:
    """Return how many bits the file of a PNG or TIFF stores per channel; 8 for other formats."""
    if image.format == "PNG":
        return data[24]  # of the header, which is always first
    if image.format == "TIFF":
        sizes = getattr(image, "tag_v2", {}).get(BITS_PER_SAMPLE, 8)
        return max(sizes) if isinstance(sizes, tuple) else int(sizes)
    return 8


def significant_bits(data: bytes) -> int:
    """Return what the chunk sBIT of a PNG says of its first channel; 0 if it says nothing."""
    place = 8
    while data[:4] == b"\x89PNG" and place + 9 <= len(data):
        length, kind = int.from_bytes(data[place : place + 4]), data[place + 4 : place + 8]
        if kind == b"sBIT":
            return data[place + 8]
        if kind == b"IDAT":
            return 0
        place += 12 + length
    return 0
