"""NumPy's files: .npz with the arrays of MedMNIST, Keras and the like, or a .npy for each array."""

import functools
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np

from cifar_core.data.contents import Contents
from cifar_core.data.formats.format import Format
from cifar_core.data.formats.reading.arrays import Arrays, found_in, pair
from cifar_core.data.formats.reading.gather import gather
from cifar_core.data.formats.reading.holding import Holding, holding_of, stem
from cifar_core.data.formats.reading.stored import Stored, values
from cifar_core.data.options import SetOptions
from cifar_core.data.sources.archive import refuse_damage, shown
from cifar_core.errors import DataError

MOST_ARRAYS = 1000
ALONE = "arr_0"  # the key of an array that was saved without one
HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def recognizes(path: Path) -> bool:
    """Return True for a .npz or .npy, and for a folder or archive with pairs of them."""
    holding = holding_of(path)
    files = holding.endings(".npz", ".npy") if holding else []
    if path.is_file() and holding and not holding.packed:
        return bool(files)
    if any(name.lower().endswith(".npz") for name in files):
        return True
    return bool(pair([stem(name) for name in files]))


def open_npz(path: Path, options: SetOptions, store: Path) -> Contents:
    """List the images of arrays in NumPy's files."""
    holding = holding_of(path)
    assert holding
    with refuse_damage(path):
        found = found_in(path, holding, arrays_of(holding))
    return gather(FORMAT.key, path, found, options, store)


def arrays_of(holding: Holding) -> Arrays:
    """Read the headers of all arrays, and the small arrays of texts, which may name classes."""
    files = holding.endings(".npz", ".npy")
    arrays: dict[str, Stored] = {}
    texts: dict[str, list[str]] = {}
    for name, file in holding.each(files):
        many = len([other for other in files if other.lower().endswith(".npz")]) > 1
        for key, stored in stored_in(name, file):
            whole = stem(name) if key == ALONE else f"{stem(name)} {key}" if many else key
            arrays[whole] = stored
            if stored.dtype.kind == "U" and len(stored.shape) == 1 and stored.bytes < 10**7:
                file.seek(0)
                texts[key] = values(stored, file).tolist()
    return Arrays(stored=arrays, texts=texts)


def stored_in(name: str, file: IO[bytes]) -> Iterator[tuple[str, Stored]]:
    """Yield the key and the header of each array of a file."""
    if name.lower().endswith(".npy"):
        yield ALONE, header(name, name, file, at)
        return
    with zipfile.ZipFile(file) as archive:
        members = [member for member in archive.namelist() if member.endswith(".npy")]
        if len(members) > MOST_ARRAYS:
            raise DataError(
                f"{name} holds {len(members):,} arrays, but images need two for each part of the "
                "set. Save them as train_images, train_labels, test_images and test_labels."
            )
        for member in members:
            begin = functools.partial(in_zip, member)
            with archive.open(member) as stream:
                yield (
                    member.removesuffix(".npy"),
                    header(f"{shown(member[:-4])} of {name}", name, stream, begin),
                )


def header(title: str, file: str, stream: IO[bytes], begin: Any) -> Stored:
    """Return what the header of a .npy says; nothing of it is executed."""
    version = np.lib.format.read_magic(stream)
    reads = HEADERS.get(version)
    if reads is None:
        raise DataError(f"{title} is of version {version} of NumPy's format. Save it again.")
    shape, by_column, dtype = reads(stream, max_header_size=10_000)
    if dtype.hasobject:
        raise DataError(
            f"{title} holds Python objects, which could run any program, and was not read. Save "
            "the images as an array of numbers, all of one size."
        )
    if any(length < 0 for length in shape):
        raise DataError(f"{title} has the shape {shape}. Save the array again.")
    return Stored(name=title, file=file, shape=shape, dtype=dtype, by_column=by_column, begin=begin)


@contextmanager
def at(file: IO[bytes]) -> Iterator[IO[bytes]]:
    """Give the stream of a .npy behind its header."""
    header("", "", file, None)
    yield file


@contextmanager
def in_zip(member: str, file: IO[bytes]) -> Iterator[IO[bytes]]:
    """Give the stream of an array of a .npz behind its header."""
    with zipfile.ZipFile(file) as archive, archive.open(member) as stream:
        header("", "", stream, None)
        yield stream


FORMAT = Format(
    key="npz",
    title="NumPy arrays",
    summary="A .npz with arrays such as train_images and train_labels (MedMNIST) or x_train and "
    "y_train (Keras), or a .npy for each of them.",
    recognizes=recognizes,
    open=open_npz,
)
