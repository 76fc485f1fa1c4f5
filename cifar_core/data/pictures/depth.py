"""Pictures with more than 8 bits per channel: how many bits are used, and how they become 8.

Cameras and microscopes often store 8 to 14 bits in 16, at the lower end, where a viewer that
expects the whole range shows black.
"""

from collections.abc import Callable
from sys import byteorder
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cifar_core.errors import ImageError

DEPTHS = (8, 10, 12, 14, 16)  # of the sensors whose values are stored in 16 bits
BITS_PER_SAMPLE = 258  # a TIFF tag
DARK = 2**14 // 256  # high bytes below it mean that at most 14 bits are used
MOST_PIXELS = 7 * 10**6  # of dark colors: they are decoded twice, and joined
OTHER_BYTES = {"L": "B", "B": "L", "N": "B" if byteorder == "little" else "L"}  # the order of two


def depth_of(largest: int, stated: int = 0) -> int:
    """Return how many bits, 8 to 16, values up to the largest use; 0 if all are zero.

    A file may state it; if the values are larger, they are scaled to the whole range already.
    """
    depth = next(depth for depth in DEPTHS if largest < 2**depth)
    if 8 <= stated < 16 and largest < 2**stated:
        depth = stated
    return depth if largest else 0


def eight_of(values: NDArray[Any], depth: int) -> NDArray[np.uint8]:
    """Return values of a depth with 8 bits."""
    return (values >> (max(depth, 8) - 8)).astype(np.uint8)


def gray_of(image: Image.Image, data: bytes) -> tuple[Image.Image, int]:
    """Return a gray picture of 16 or 32 bits with 8, and how many bits its values use.

    The file says it with the chunk sBIT (PNG specification, 11.3.2.7); if it does not, the
    largest value does. Between 8 and 16; 0 for a picture that is all black. Whole numbers of 32
    bits must lie within 0 and 65535. Raises ValueError.
    """
    values = np.asarray(image)
    largest, smallest = int(values.max(initial=0)), int(values.min(initial=0))
    if smallest < 0 or largest >= 2**16:
        raise ValueError(f"its values lie between {smallest:,} and {largest:,}")
    if image.format == "PPM":  # its decoder scales to the whole range
        return Image.fromarray(eight_of(values, 16)), 16
    depth = depth_of(largest, significant_bits(data))
    return Image.fromarray(eight_of(values, depth)), depth


def fractions_of(image: Image.Image) -> Image.Image:
    """Return a gray picture of fractions between 0 and 1 with 8 bits; raises ValueError."""
    values = np.asarray(image)
    smallest, largest = float(values.min(initial=0)), float(values.max(initial=0))
    if not (smallest >= 0 and largest <= 1):  # neither holds for what is not a number
        raise ValueError(f"its values lie between {smallest:g} and {largest:g}")
    return Image.fromarray(np.rint(values * 255).astype(np.uint8))


def color_of(
    image: Image.Image, data: bytes, name: str, again: Callable[[], Image.Image]
) -> tuple[Image.Image, int]:
    """Return a color picture with 8 bits, and how many of 16 bits per channel it uses.

    0 bits if it stores 8. The decoder keeps the high bytes only; if they use at most 14 bits, the
    picture is opened `again` for the low ones. Raises ImageError if that cannot be done.
    """
    if bits_per_channel(image, data) < 16:
        return image, 0
    colors = image.getbands()[: 1 if image.mode == "LA" else 3]
    if max(image.getchannel(color).getextrema()[1] for color in colors) >= DARK:  # type: ignore[operator]
        return image, 16
    low = low_bytes(again()) if image.width * image.height <= MOST_PIXELS else None
    if low is None:
        raise ImageError(
            f"{name} stores 16 bits per channel, but uses at most 14 of them, so it would be "
            "dark. Save it with 8 bits per channel, for example as PNG."
        )
    high = np.asarray(image)[..., : len(colors)].astype(np.uint16) << 8
    high |= np.asarray(low)[..., : len(colors)]
    depth = depth_of(int(high.max(initial=0)), significant_bits(data))
    stretched = Image.fromarray(eight_of(high, depth))
    if image.mode == "RGBA":
        stretched.putalpha(image.getchannel("A"))
    stretched.info = dict(image.info)
    return stretched, depth


def low_bytes(image: Any) -> Image.Image | None:
    """Decode the low bytes of 16-bit colors, by reading the two bytes in the other order.

    None if the decoder cannot.
    """
    tiles = []
    for tile in image.tile:
        kind, *rest = (tile.args,) if isinstance(tile.args, str) else tile.args
        raw, _, order = kind.partition(";16")
        if raw not in ("RGB", "RGBA") or order not in OTHER_BYTES:
            return None
        kind = f"{raw};16{OTHER_BYTES[order]}"
        tiles.append(tile._replace(args=(kind, *rest) if rest else kind))
    image.tile = tiles
    image.load()
    return image


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
