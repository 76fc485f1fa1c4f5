"""A decoding that is under way, on the disk: the pixels in their final files, and what is done.

The table of what is done is written only after the pixels that it speaks of have reached the disk,
so a decoding that was killed continues from there and ends with the same bytes. It starts over if
the list of pictures is another one.
"""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Set
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cifar_core.data.contents import Contents
from cifar_core.disk import files, space

ENDING = ".draft"  # of its folder
WAITING, DECODED, UNREADABLE = 0, 1, 2
STATE, DEPTH, GRAY, LOSSY, WIDTH, HEIGHT = range(6)  # columns of the table
FLUSH_SECONDS = 5.0  # of work that a kill may cost, at most, beside the time of the writing
PIXELS = ("train_pixels", "test_pixels")  # train holds the set's own validation images too


class Draft:
    """The unfinished arrays of a source. Threads may call `put` and `fail` at the same time."""

    def __init__(self, folder: Path, contents: Contents, side: int) -> None:
        """Open what is there already, or begin; raises OSError and DiskFullError."""
        self.folder, self.items, self.side = folder, contents.items, side
        self.first = sum(item.part != "test" for item in self.items)  # images of train_pixels
        self.reasons: dict[int, str] = {}  # index -> why it cannot be decoded
        identity = identity_of(contents, side)
        if not self._is_of(identity):
            shutil.rmtree(folder, ignore_errors=True)
            self._begin(identity)
        arrays = [np.lib.format.open_memmap(folder / f"{name}.npy", mode="r") for name in PIXELS]
        self._starts = [array.offset for array in arrays]  # bytes before the pixels
        self._files = [os.open(folder / f"{name}.npy", os.O_RDWR) for name in PIXELS]
        self.table: NDArray[np.int32] = np.load(folder / "items.npy")
        self.table[self.table[:, STATE] == UNREADABLE] = 0  # they are tried again
        self._flushed = time.monotonic()

    def _is_of(self, identity: str) -> bool:
        """Return whether the folder holds a decoding of these pictures that can go on."""
        try:
            table = np.load(self.folder / "items.npy", mmap_mode="r")
            found = (self.folder / "contents.txt").read_text(encoding="ascii")
            sizes = [np.load(self.folder / f"{name}.npy", mmap_mode="r").shape for name in PIXELS]
        except (OSError, ValueError):
            return False
        counts = [self.first, len(self.items) - self.first]
        shapes = [(count, self.side, self.side, 3) for count in counts]
        return found == identity and table.shape == (len(self.items), 6) and sizes == shapes

    def _begin(self, identity: str) -> None:
        """Create the files at their full size; nothing is done yet."""
        self.folder.mkdir(parents=True)
        size = len(self.items) * self.side**2 * 3
        space.ensure(size, self.folder, "the file of the decoded images")
        for name, count in zip(PIXELS, (self.first, len(self.items) - self.first), strict=True):
            shape = (count, self.side, self.side, 3)
            np.lib.format.open_memmap(self.folder / f"{name}.npy", "w+", np.uint8, shape)
        np.save(self.folder / "items.npy", np.zeros((len(self.items), 6), np.int32))
        files.write_atomic(self.folder / "contents.txt", identity)

    @property
    def missing(self) -> set[int]:
        """The pictures that are not decoded yet."""
        return set(np.flatnonzero(self.table[:, STATE] == WAITING).tolist())

    @property
    def done(self) -> int:
        """How many pictures are decoded, or cannot be."""
        return int(np.count_nonzero(self.table[:, STATE]))

    def put(
        self, indices: NDArray[np.int64], pixels: NDArray[np.uint8], facts: NDArray[np.int32]
    ) -> None:
        """Write pictures [n, side, side, 3] to their places, and their rows [n, 6] of the table."""
        image = self.side**2 * 3  # bytes
        breaks = np.flatnonzero((np.diff(indices) != 1) | (indices[1:] == self.first)) + 1
        for start, end in zip([0, *breaks], [*breaks, len(indices)], strict=True):
            test = int(indices[start] >= self.first)
            place = int(indices[start]) - self.first * test
            write_all(self._files[test], pixels[start:end], self._starts[test] + place * image)
        self.table[indices] = facts

    def fail(self, index: int, why: str) -> None:
        """Note that a picture cannot be decoded."""
        self.reasons[index] = why
        self.table[index, STATE] = UNREADABLE

    def leave_out(self, names: Set[str]) -> None:
        """Leave out all pictures but those of these names, without a try."""
        others = [
            index for index, item in enumerate(self.items) if one_line(item.name) not in names
        ]
        self.table[others, STATE] = UNREADABLE

    def flush(self, *, now: bool = True) -> None:
        """Make sure that what is done survives a kill and a power cut; not `now`: if it is time."""
        start = time.monotonic()
        if not now and start - self._flushed < FLUSH_SECONDS:
            return
        table = self.table.copy()
        for pixels in self._files:
            os.fsync(pixels)
        with files.replacing(self.folder / "items.npy") as draft, draft.open("wb") as file:
            np.save(file, table)
            file.flush()
            os.fsync(file.fileno())
        self._flushed = time.monotonic()

    def pixels(self, name: str) -> NDArray[np.uint8]:
        """Return the pixels of a file as a read-only map [n, side, side, 3]."""
        return np.load(self.folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)

    def close(self) -> None:
        """Close the files; they stay."""
        for file in self._files:
            os.close(file)


def one_line(name: str) -> str:
    """Return a name without line breaks, which a file's name may have."""
    return " ".join(name.splitlines())


def identity_of(contents: Contents, side: int) -> str:
    """Return a value that differs for other pictures, classes or sizes."""
    digest = hashlib.sha256(json.dumps([contents.format, side, *contents.classes]).encode())
    for item in contents.items:
        line = "\0".join((item.name, item.part, item.label))
        digest.update(line.encode("utf-8", "surrogateescape") + b"\n")
    return digest.hexdigest()


def write_all(file: int, pixels: NDArray[np.uint8], place: int) -> None:
    """Write pixels at a place of a file, in as many calls as the system wants."""
    data = np.ascontiguousarray(pixels).data.cast("B")
    while data:
        written = os.pwrite(file, data, place)
        data, place = data[written:], place + written
