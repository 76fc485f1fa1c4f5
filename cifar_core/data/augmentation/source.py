"""The images of a part of a set, read a few at a time from where they are kept."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cifar_core.data.augmentation.augment import border


@dataclass(frozen=True, kw_only=True)
class Source:
    """The chosen images of a set, which may be a memory map larger than the memory.

    `kept` are the pictures [N, W, W, 3] whose centers of `side` pixels are the images; `part` [n]
    are the indices of those that were chosen. A shift may move an image by `padding` pixels, over
    what is kept around it, and beyond that over a border (`mode`, a key of PADDING_MODES).
    """

    kept: NDArray[np.uint8]
    side: int
    part: NDArray[np.int64]
    padding: int
    mode: str

    def __len__(self) -> int:
        return len(self.part)

    @property
    def padded_side(self) -> int:
        """Pixels a side of an image with its padding."""
        return self.side + 2 * self.padding

    @property
    def nbytes(self) -> int:
        """Bytes of all images with their padding."""
        return len(self) * self.padded_side**2 * 3

    @property
    def before(self) -> int:
        """Where an image with its padding begins in what is kept; below 0, there is a border."""
        return (self.kept.shape[1] - self.side) // 2 - self.padding

    def padded(self, places: NDArray[np.int64] | slice) -> NDArray[np.uint8]:
        """Return a copy of the images at these places of the part, with their padding.

        As [k, side + 2 * padding, side + 2 * padding, 3].
        """
        width = self.kept.shape[1]
        first, last = self.before, self.before + self.padded_side
        there = slice(max(0, first), min(width, last))
        pixels = self.kept[:, there, there][self.part[places]]
        return border(pixels, max(0, -first), max(0, last - width), self.mode)


@contextmanager
def read_ahead(images: NDArray[np.uint8]) -> Iterator[Callable[[NDArray[np.int64]], None]]:
    """Yield a function that asks the kernel to read the images of some indices [n] from their file.

    It does not wait for them, and does nothing if the images are not in a file.
    """
    file = images
    while isinstance(file.base, np.ndarray):
        file = file.base
    descriptor = opened(file)
    if descriptor is None:
        yield lambda indices: None
        return
    assert isinstance(file, np.memmap)
    each = images.strides[0]
    first = file.offset + images.ctypes.data - file.ctypes.data

    def ask(indices: NDArray[np.int64]) -> None:
        for index in indices.tolist():
            os.posix_fadvise(descriptor, first + index * each, each, os.POSIX_FADV_WILLNEED)

    try:
        yield ask
    finally:
        os.close(descriptor)


def opened(array: NDArray[np.uint8]) -> int | None:
    """Open the file of a memory map; None for other arrays, or where the kernel takes no advice."""
    if not isinstance(array, np.memmap) or not array.filename or not hasattr(os, "posix_fadvise"):
        return None
    try:
        return os.open(array.filename, os.O_RDONLY)
    except OSError:  # it was removed; its map can still be read
        return None
