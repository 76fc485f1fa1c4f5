"""How much memory opening a picture takes: a limit for each picture, and one for all at once."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition
from typing import Any

from PIL import Image

from cifar_core.data.pictures.kinds import JPEG, TIFF, Kind
from cifar_core.data.sources.limits import MAX_FILE_BYTES
from cifar_core.errors import ImageError

MAX_MEGABYTES = 50  # of the file, in units of 2**20 bytes: all that the upload box takes
MOST_MEGAPIXELS = 250  # of any picture: phones take up to 200
MOST_BYTES = 195_000_000  # that opening pictures may take, beyond the files themselves
SMALL = 4_000_000  # bytes below which a picture waits for no other
# bytes for each pixel in a mode of Pillow while it is converted and scaled down, as measured
BYTES = {"1": 2, "L": 1, "P": 5, "LA": 12, "RGB": 5, "RGBA": 8, "I": 13, "F": 16}
OTHER = 8
SCALING = 2  # further bytes for each pixel, of which no more than MOST_SCALING
MOST_SCALING = 40_000_000
TRANSPARENT = 4  # more, where parts may be
TEXT = (b"P1", b"P2", b"P3")  # numbers in words, which are kept as such until all are read
TILE_SIDES = (322, 323)  # TIFF tags


def check_bytes(data: bytes, name: str) -> None:
    """Refuse a file that is empty or too large."""
    if not data:
        raise ImageError(f"{name} is empty (0 bytes). Choose a picture file.")
    if len(data) > MAX_MEGABYTES * 2**20:
        size = f"{math.ceil(len(data) / 2**20 * 10) / 10:.1f}"
        if len(data) > MAX_FILE_BYTES:  # the rest was not read
            size = f"more than {MAX_FILE_BYTES // 2**20}"
        raise ImageError(
            f"{name} has {size} MB, but at most {MAX_MEGABYTES} MB can be opened. "
            "Save it smaller, for example as JPEG."
        )


def needed(image: Image.Image, kind: Kind, data: bytes, size: tuple[int, int], name: str) -> float:
    """Return how many bytes it takes to open a picture; ImageError if that is too much.

    `size` is the whole picture's; `image`, of which only the header was read, may be set to be
    decoded at a fraction of it.
    """
    pixels, kept = math.prod(size), math.prod(image.size)
    converting = BYTES.get(image.mode, OTHER) + TRANSPARENT * ("transparency" in image.info)
    after = converting * kept + min(SCALING * kept, MOST_SCALING)
    decoding = kind.bytes_per_pixel * kept
    if kind is JPEG and "progressive" in image.info:
        decoding += coefficients(image) * pixels
    files = 5 * len(data) if data.startswith(TEXT) else kind.copies * len(data)
    if kind is TIFF:
        files += OTHER * tile(image)
    total = max(after, decoding + files)
    if total > MOST_BYTES or pixels > MOST_MEGAPIXELS * 10**6:
        if files > MOST_BYTES / 2:
            raise ImageError(
                f"{name} cannot be opened in {MOST_BYTES // 10**6} MB of memory. Save it with "
                "another program as PNG or JPEG."
            )
        limit = pixels / 10**6 * (MOST_BYTES - files) / (total - files)
        limit = min(MOST_MEGAPIXELS, math.floor(limit) if limit > 2 else 1)
        raise ImageError(too_large(name, limit, size))
    return total


def tile(image: Image.Image) -> int:
    """Return the pixels of a tile of a TIFF, which may be larger than the picture."""
    sides = [getattr(image, "tag_v2", {}).get(tag, 0) for tag in TILE_SIDES]
    return math.prod(side for side in sides if isinstance(side, int))


def coefficients(image: Any) -> float:
    """Return how many bytes a progressive JPEG keeps for each pixel until all of it is read.

    Two for each sample; colors are often stored at half the width and height.
    """
    across, down = (max(layer[n] for layer in image.layer) for n in (1, 2))
    return 2 * sum(layer[1] * layer[2] for layer in image.layer) / (across * down)


def too_large(name: str, limit: int, size: tuple[int, int] | None = None) -> str:
    """Return the message that a picture has too many pixels."""
    pixels = f"{size[0]:,} x {size[1]:,} pixels" if size else "far too many pixels"
    return (
        f"{name} has {pixels}, but at most {limit} million can be opened. "
        "Scale it down, for example to 2,000 pixels on its longer side."
    )


class Budget:
    """Bytes that several threads share; who needs more than are left waits."""

    def __init__(self, total: float) -> None:
        self.left = total
        self.changed = Condition()

    @contextmanager
    def spent(self, amount: float) -> Iterator[None]:
        """Wait until this many bytes are left, and hold them."""
        with self.changed:
            self.changed.wait_for(lambda: self.left >= amount)
            self.left -= amount
        try:
            yield
        finally:
            with self.changed:
                self.left += amount
                self.changed.notify_all()


IN_FLIGHT = Budget(MOST_BYTES)  # of all threads of this process
