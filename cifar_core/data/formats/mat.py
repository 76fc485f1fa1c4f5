"""MATLAB's files of version 5, such as SVHN's: arrays of images and of labels.

MathWorks, "MAT-File Format", 2019, chapter 1. A file is a header of 128 bytes and then elements,
each with its type, its size and its contents; compressed ones hold one element. Only arrays of
numbers are read. Version 7.3 is HDF5 and is refused.
"""

import functools
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from cifar_core.data.contents import Contents
from cifar_core.data.formats.format import Format
from cifar_core.data.formats.reading.arrays import Arrays, found_in
from cifar_core.data.formats.reading.gather import gather
from cifar_core.data.formats.reading.holding import holding_of, stem
from cifar_core.data.formats.reading.inflated import Inflated
from cifar_core.data.formats.reading.stored import AGAIN, Stored
from cifar_core.data.options import SetOptions
from cifar_core.data.sources.archive import refuse_damage, shown
from cifar_core.errors import DataError

HEADER = 128
TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
MATRIX, COMPRESSED = 14, 15
NUMERIC = range(6, 16)  # classes of arrays: double, single, and whole numbers
COMPLEX = 0x0800
MOST_AXES, MOST_NAME, MOST_ARRAYS = 6, 200, 1000
HDF5 = (
    "is of version 7.3, which is HDF5. Save it in MATLAB with save(file, ..., '-v7'), or store "
    "the arrays as .npz."
)


def recognizes(path: Path) -> bool:
    """Return True for a .mat, and for a folder or archive with some and hardly any pictures."""
    holding = holding_of(path)
    return bool(holding and holding.endings(".mat"))


def open_mat(path: Path, options: SetOptions, store: Path) -> Contents:
    """List the images of MATLAB's files."""
    holding = holding_of(path)
    assert holding
    files = holding.endings(".mat")
    stored: dict[str, Stored] = {}
    with refuse_damage(path):
        for name, file in holding.each(files):
            for key, array in arrays_of(name, file):
                stored[f"{stem(name)} {key}" if len(files) > 1 else key] = array
        digits = all(name.lower().endswith("_32x32.mat") for name in files)  # SVHN's: 10 is a zero
        found = found_in(
            path, holding, Arrays(stored=stored), last=True, relabel=ten_is_zero if digits else None
        )
    return gather(FORMAT.key, path, found, options, store)


def ten_is_zero(labels: NDArray[Any]) -> NDArray[Any]:
    """Return SVHN's labels 1 to 10 as the digits that they stand for.

    Netzer et al., "Reading Digits in Natural Images with Unsupervised Feature Learning", 2011.
    """
    return labels % 10


def arrays_of(name: str, file: IO[bytes]) -> Iterator[tuple[str, Stored]]:
    """Yield the arrays of numbers of a file by their names; raises DataError."""
    start = file.read(HEADER)
    order = {b"IM": "<", b"MI": ">"}.get(start[126:128])
    if b"MATLAB 7.3" in start or start[:4] == b"\x89HDF":
        raise DataError(f"{shown(name)} {HDF5}")
    if len(start) < HEADER or order is None:
        raise DataError(f"{shown(name)} is not a MATLAB file of version 5, or is damaged. {AGAIN}")
    place, size = HEADER, file.seek(0, 2)
    for _ in range(MOST_ARRAYS):
        if place + 8 > size:
            return
        file.seek(place)
        kind, length, _ = tag(file, order)
        if place + 8 + length > size:
            raise EOFError("it ends too early")
        file.seek(place)
        array = matrix(name, file, order, place)
        if array:
            yield array
        place += 8 + length + (-length % 8 if kind != COMPRESSED else 0)


def tag(stream: Any, order: str) -> tuple[int, int, bytes | None]:
    """Return an element's type, its size, and its contents where they are in the tag itself."""
    start = exactly(stream, 8)
    kind, size = np.frombuffer(start, order + "u4").tolist()
    if kind >> 16:  # a small element
        return kind & 0xFFFF, kind >> 16, start[4 : 4 + (kind >> 16)]
    return kind, size, None


def exactly(stream: Any, size: int) -> bytes:
    """Return this many bytes; EOFError if there are fewer."""
    data: bytes = stream.read(size)
    if len(data) < size:
        raise EOFError("it ends too early")
    return data


def small(stream: Any, order: str, most: int) -> bytes:
    """Return the contents of an element that should be small, such as a name."""
    _, size, inside = tag(stream, order)
    if inside is not None:
        return inside
    if size > most:
        raise ValueError("it has a name or shape that is too long")
    return exactly(stream, size + -size % 8)[:size]


def element(file: IO[bytes], order: str) -> Any:
    """Return the stream of an array that begins here, or None for another element."""
    kind, size, _ = tag(file, order)
    stream: Any = file
    if kind == COMPRESSED:
        stream = Inflated(file, size)
        kind, *_ = tag(stream, order)
    return stream if kind == MATRIX else None


def matrix(name: str, file: IO[bytes], order: str, place: int) -> tuple[str, Stored] | None:
    """Return the name and header of an array that begins here; None if it is not of numbers."""
    stream = element(file, order)
    if stream is None:
        return None
    flags = int(np.frombuffer(small(stream, order, 8)[:4], order + "u4")[0])
    if flags & 0xFF not in NUMERIC or flags & COMPLEX:
        return None
    shape = np.frombuffer(small(stream, order, 4 * MOST_AXES), order + "i4").tolist()
    key = small(stream, order, MOST_NAME).decode("latin-1")
    kind, size, _ = tag(stream, order)
    if kind not in TYPES or any(length < 0 for length in shape):
        raise ValueError(f"its array {shown(key)} has an unknown type")
    dtype = np.dtype(order + TYPES[kind])
    array = Stored(
        name=f"{shown(key)} of {shown(name)}",
        file=name,
        shape=tuple(shape),
        dtype=np.dtype(np.uint8) if dtype.itemsize == 1 and dtype.kind == "u" else dtype,
        by_column=True,
        begin=functools.partial(at, place, order),
    )
    if array.bytes != size:
        raise ValueError(f"its array {shown(key)} does not have the size of its shape")
    return key, array


@contextmanager
def at(place: int, order: str, file: IO[bytes]) -> Iterator[IO[bytes]]:
    """Give the stream of the array that begins at a place, behind its header."""
    file.seek(place)
    stream = element(file, order)
    for most in (8, 4 * MOST_AXES, MOST_NAME):
        small(stream, order, most)
    _, _, inside = tag(stream, order)
    yield io.BytesIO(inside) if inside is not None else stream


FORMAT = Format(
    key="mat",
    title="MATLAB arrays",
    summary="A .mat of version 5 with an array of images and one of labels, such as SVHN's "
    "train_32x32.mat and test_32x32.mat.",
    recognizes=recognizes,
    open=open_mat,
)
