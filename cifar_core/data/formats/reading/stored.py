"""An array in a file, read row by row: memory stays bounded, whatever its header claims."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from math import prod
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from cifar_core.errors import DataError

MOST_IMAGES = 2_000_000
MOST_VALUES = 64_000_000 * 4  # of one picture
MOST_WHOLE = 2 * 2**30  # bytes of an array that can only be read as a whole
BLOCK = 2**22  # bytes read at once
AGAIN = "Get the file again and compare its size with the original."


@dataclass(frozen=True, kw_only=True)
class Stored:
    """An array, before it is read."""

    name: str  # for a sentence: "x_train of mnist.npz"
    file: str  # the file's name in its holding
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    by_column: bool = False  # the first index runs fastest, as in Fortran and MATLAB
    begin: Callable[[IO[bytes]], AbstractContextManager[IO[bytes]]]  # a stream of its bytes

    @property
    def bytes(self) -> int:
        """The size of the array."""
        return prod(self.shape) * self.dtype.itemsize


def refuse_shape(stored: Stored, last: bool) -> None:
    """Raise DataError for a shape beyond the limits, before anything is read."""
    count, *_ = shape = stored.shape[::-1] if last else stored.shape
    if count > MOST_IMAGES:
        raise DataError(
            f"{stored.name} claims to hold {count:,} images, but at most {MOST_IMAGES:,} can be "
            "read. Give fewer images."
        )
    if not all(shape) or prod(shape[1:]) > MOST_VALUES:
        raise DataError(
            f"{stored.name} has the shape {written(stored.shape)}, which images do not have. "
            "Store images as [N, height, width] or [N, height, width, 3]."
        )


def written(shape: tuple[int, ...]) -> str:
    """Return a shape for a sentence."""
    return "[" + ", ".join(map(str, shape)) + "]"


def blocks(
    stored: Stored, file: IO[bytes], last: bool, wanted: NDArray[np.int64] | None = None
) -> Iterator[tuple[int, NDArray[Any]]]:
    """Yield the rows of an array in blocks [n, ...], each with the number of its first row.

    `last` says that the images are along the last axis instead of the first. Blocks without a
    wanted row (sorted) are skipped where the order in the file allows it.
    """
    with stored.begin(file) as stream:
        if last == stored.by_column or len(stored.shape) == 1:
            yield from streamed(stored, stream, last, wanted)
        else:
            yield 0, whole(stored, stream, last)


def streamed(
    stored: Stored, stream: IO[bytes], last: bool, wanted: NDArray[np.int64] | None
) -> Iterator[tuple[int, NDArray[Any]]]:
    """Yield the blocks of an array whose images lie one after the other in the file."""
    count, *row = stored.shape[::-1] if last else stored.shape  # a picture as it lies in the file
    row_bytes = prod(row) * stored.dtype.itemsize
    step = max(1, BLOCK // row_bytes)
    for start in range(0, count, step):
        rows = min(step, count - start)
        if wanted is not None and not np.any((wanted >= start) & (wanted < start + rows)):
            stream.seek(rows * row_bytes, 1)
            continue
        data = read_exactly(stored, stream, rows * row_bytes)
        block = np.frombuffer(data, stored.dtype).reshape(rows, *row)
        yield start, block.transpose(0, *range(block.ndim - 1, 0, -1)) if last else block


def whole(stored: Stored, stream: IO[bytes], last: bool) -> NDArray[Any]:
    """Return an array [N, ...] whose images are interleaved in the file."""
    if stored.bytes > MOST_WHOLE:
        raise DataError(
            f"{stored.name} interleaves its images, so that all {stored.bytes / 1e6:,.0f} MB would "
            f"have to be in memory. Save the array with one image after the other."
        )
    data = read_exactly(stored, stream, stored.bytes)
    array = np.frombuffer(data, stored.dtype).reshape(
        stored.shape, order="F" if stored.by_column else "C"
    )
    return np.moveaxis(array, -1, 0) if last else array


def read_exactly(stored: Stored, stream: IO[bytes], size: int) -> bytes:
    """Return this many bytes, taking no more memory than the file has bytes."""
    pieces, missing = [], size
    while missing:
        piece = stream.read(min(missing, BLOCK))
        if not piece:
            raise DataError(
                f"{stored.name} ends too early: it should have the shape "
                f"{written(stored.shape)}. {AGAIN}"
            )
        pieces.append(piece)
        missing -= len(piece)
    return b"".join(pieces)


def values(stored: Stored, file: IO[bytes]) -> NDArray[Any]:
    """Return a small array, such as one of labels; raises DataError if it is large."""
    if stored.bytes > MOST_WHOLE // 8:
        raise DataError(
            f"{stored.name} has the shape {written(stored.shape)}, which labels do not have. "
            "Store one label for each image: [N]."
        )
    with stored.begin(file) as stream:
        return whole(stored, stream, last=False)
