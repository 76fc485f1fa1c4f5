"""How an array's shape and numbers become pictures of 8 bits.

Shapes: [N, h, w], [N, h, w, c] and [N, c, h, w] with one, three or four channels, [N, h * h], and
the same with N at the end. Numbers: bytes stay as they are; what lies in [0, 1] is multiplied by
255; other numbers up to 255 are rounded; whole numbers beyond are stretched from the bits in use
(8, 10, 12, 14 or 16) to 8. The largest number of all parts decides, so that the parts agree.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import isqrt
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from cifar_core.data.contents import Raw
from cifar_core.data.formats.reading.stored import Stored, blocks, refuse_shape, written
from cifar_core.data.pictures.depth import DEPTHS
from cifar_core.errors import DataError

CHANNELS = (1, 3, 4)
SAVE = "Store images as bytes from 0 to 255."


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """An array of pictures, and how one of its rows becomes a picture."""

    stored: Stored
    last: bool  # the pictures are along the last axis
    planes: bool = False  # the channels come before height and width
    side: int = 0  # of square pictures whose rows have one axis; 0 for the others

    @property
    def count(self) -> int:
        """The number of pictures."""
        return self.stored.shape[-1 if self.last else 0]


def pictures_of(stored: Stored, count: int, *, last: bool = False) -> Pictures:
    """Return how an array's pictures lie in it; `count` is the number of labels.

    `last` prefers the last axis where both it and the first have this length. Raises DataError.
    """
    shape = stored.shape
    ends = [at_end for at_end in (last, not last) if shape and shape[-1 if at_end else 0] == count]
    if not ends or len(shape) < 2:
        raise DataError(
            f"{stored.name} has the shape {written(shape)}, but there are {count:,} labels. "
            "Each image needs one label."
        )
    refuse_shape(stored, ends[0])
    row = shape[:-1] if ends[0] else shape[1:]
    if len(row) == 1 and isqrt(row[0]) ** 2 == row[0] > 1:
        return Pictures(stored=stored, last=ends[0], side=isqrt(row[0]))
    if len(row) == 2:
        return Pictures(stored=stored, last=ends[0])
    if len(row) == 3 and (row[-1] in CHANNELS or row[0] in CHANNELS):
        return Pictures(stored=stored, last=ends[0], planes=row[-1] not in CHANNELS)
    raise DataError(
        f"{stored.name} has the shape {written(shape)}, which is not that of images. Store them as "
        "[N, height, width] or [N, height, width, 3]."
    )


def picture(pictures: Pictures, row: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a row as a picture, uint8 [h, w] or [h, w, 3], what is transparent on white."""
    if pictures.side:
        row = row.reshape(pictures.side, pictures.side)
    if pictures.planes:
        row = row.transpose(1, 2, 0)
    if row.ndim == 3 and row.shape[2] == 1:
        row = row[:, :, 0]
    if row.ndim == 3 and row.shape[2] == 4:
        alpha = row[:, :, 3:] / np.float32(255)
        row = np.rint(row[:, :, :3] * alpha + 255 * (1 - alpha)).astype(np.uint8)
    return np.ascontiguousarray(row)


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How numbers become bytes, and the sentence about it ("" if nothing is changed)."""

    factor: float = 1.0
    said: str = ""

    def __call__(self, block: NDArray[Any]) -> NDArray[np.uint8]:
        """Return numbers as bytes."""
        if block.dtype == np.uint8:
            return block
        return np.rint(block.astype(np.float64) * self.factor).astype(np.uint8)


def extent(pictures: Pictures, file: IO[bytes]) -> tuple[float, float]:
    """Return the smallest and largest number of an array; (0, 255) for bytes, unread."""
    dtype = pictures.stored.dtype
    if dtype == np.uint8:
        return 0, 255
    if dtype.kind not in "biuf":  # a structure, whose rows may be huge
        limits_of(pictures.stored.name, np.zeros(1, dtype))
    ends = [
        limits_of(pictures.stored.name, block)
        for _, block in blocks(pictures.stored, file, pictures.last)
    ]
    return float(np.min(ends)), float(np.max(ends))  # NaN stays


def limits_of(name: str, array: NDArray[Any]) -> tuple[float, float]:
    """Return the smallest and largest number of an array in memory; raises DataError."""
    if array.dtype.kind not in "biuf":
        raise DataError(f"{name} holds {array.dtype} instead of numbers. {SAVE}")
    if array.dtype.kind == "b":
        array = array.view(np.uint8)
    return float(array.min()), float(array.max())


def scale_of(name: str, extents: Sequence[tuple[float, float]]) -> Scale:
    """Return how numbers within these limits become bytes; raises DataError."""
    low, high = float(np.min(extents)), float(np.max(extents))
    if np.isnan(low) or np.isnan(high):
        raise DataError(f"{name} holds values that are not numbers (NaN). {SAVE}")
    if not (low >= 0 and high < 2**16):
        raise DataError(
            f"{name} holds numbers from {low:g} to {high:g}, but those of images lie in [0, 1], "
            f"[0, 255] or [0, 65535]. {SAVE}"
        )
    if high <= 1:
        return Scale(factor=255, said="Numbers in [0, 1] were multiplied by 255.")
    if high <= 255:
        return Scale()
    depth = next(depth for depth in DEPTHS if high < 2**depth)
    return Scale(
        factor=255 / (2**depth - 1),
        said=f"The numbers use {depth} bits and were stretched to 8.",
    )


def reader(
    pictures: Pictures, scale: Scale, *, turned: bool = False
) -> Callable[[IO[bytes], NDArray[np.int64]], Iterator[tuple[int, Raw]]]:
    """Return a function that yields the wanted rows (sorted) of an open file as pictures.

    `turned` exchanges the rows and columns of each picture.
    """

    def read(file: IO[bytes], wanted: NDArray[np.int64]) -> Iterator[tuple[int, Raw]]:
        for start, block in blocks(pictures.stored, file, pictures.last, wanted):
            inside = wanted[(wanted >= start) & (wanted < start + len(block))]
            for number in inside:
                raw = picture(pictures, scale(block[number - start]))
                yield int(number), np.ascontiguousarray(raw.swapaxes(0, 1)) if turned else raw

    return read
