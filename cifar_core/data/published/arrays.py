"""Reads the published sets whose images are numbers in a few files, not files of their own.

Where a format of `cifar_core/data/formats/` reads the same files, it is used, and only the names
of the classes and the way the images lie are added here. The modules of formats are imported when
they are needed: the table of formats has the published sets as its first entry.
"""

import bz2
import dataclasses
from collections.abc import Callable, Iterator, Set
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from cifar_core.data.contents import Contents, Item, PartOfSet, Raw
from cifar_core.data.options import SetOptions
from cifar_core.data.published.files import Files
from cifar_core.data.published.published_set import Found
from cifar_core.disk.os_errors import reason
from cifar_core.disk.tables import records_of
from cifar_core.errors import DataError

Opener = Callable[[Path, SetOptions, Path, tuple[str, ...]], Contents]
DIGITS = tuple("0123456789")
SMALL = 16  # pixels of a side, in USPS and Semeion
MOST_ROWS, LONGEST_ROW = 200_000, 20_000  # rows of a text, and characters of one
EXPRESSIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
PARTS_OF_FER: dict[str, PartOfSet] = {
    "Training": "train", "PublicTest": "val", "PrivateTest": "test",
}  # fmt: skip
FER_SIDE = 48
PARTS_OF_PCAM: dict[str, PartOfSet] = {"train": "train", "valid": "val", "test": "test"}
CHUNK = 512  # images read at once from HDF5


def idx(*, prefix: str = "", transposed: bool = False, first: int = 0) -> Opener:
    """Return a function that opens MNIST's files, those that begin with `prefix`.

    EMNIST's images lie `transposed`; `first` is the number of the first class.
    """

    def open_files(
        path: Path, options: SetOptions, store: Path, names: tuple[str, ...]
    ) -> Contents:
        from cifar_core.data.formats.idx import open_idx

        contents = open_idx(
            path, options, store, prefix=prefix, transposed=transposed,
            names=(*("unused",) * first, *names),
        )  # fmt: skip
        return dataclasses.replace(contents, said=())  # the files of the parts have fixed names

    return open_files


def pickles(path: Path, options: SetOptions, store: Path, names: tuple[str, ...]) -> Contents:
    """Open the Python form of CIFAR, which names its classes itself."""
    from cifar_core.data.formats.cifar_pickle import open_pickles

    return open_pickles(path, options, store)


def svhn(path: Path, options: SetOptions, store: Path, names: tuple[str, ...]) -> Contents:
    """Open the .mat files of SVHN."""
    from cifar_core.data.formats.mat import open_mat

    return open_mat(path, options, store)


def stl10(path: Path, options: SetOptions, store: Path, names: tuple[str, ...]) -> Contents:
    """Open the binary files of STL-10; the images without labels are not used."""
    from cifar_core.data.formats.stl10 import open_stl10

    return open_stl10(path, options, store)


def numbers(
    rows: Callable[[], Iterator[tuple[PartOfSet, int, Callable[[], NDArray[np.uint8]]]]],
    classes: tuple[str, ...],
) -> Found:
    """Return what rows hold, each with its part, its label and a function for its pixels.

    They are gone through twice: once for the labels, and once for the pixels that are wanted.
    """
    items = []
    for row, (part, label, _) in enumerate(rows()):
        if not 0 <= label < len(classes):
            raise DataError(
                f"Row {row + 1:,} has the label {label}, but only 0 to {len(classes) - 1} exist. "
                "Download the set again."
            )
        items.append(Item(name=f"{part}/{row:06}", part=part, label=classes[label]))

    def pictures(wanted: Set[int]) -> Iterator[tuple[int, Raw]]:
        for row, (_, _, pixels) in enumerate(rows()):
            if row in wanted:
                yield row, pixels()

    return Found(items=items, classes=classes, pictures=pictures)


def lines(path: Path, *, packed: bool = False) -> Iterator[str]:
    """Yield the lines of a text, which may be packed; raises DataError for damage."""
    try:
        with bz2.open(path) if packed else path.open("rb") as file:
            some = islice(iter(lambda: file.readline(LONGEST_ROW), b""), MOST_ROWS)
            yield from (line.decode("ascii") for line in some if line.strip())
            more = file.read(1)
    except (OSError, EOFError, ValueError) as error:
        why = reason(error) if isinstance(error, OSError) else str(error)
        raise damaged(path, why) from error
    if more:
        raise damaged(path, f"it has more than {MOST_ROWS:,} rows")


def records(path: Path) -> Iterator[dict[str, str]]:
    """Yield the rows of a CSV by the names of its columns; raises DataError for damage."""
    try:
        yield from records_of(lines(path))
    except ValueError as error:
        raise damaged(path, str(error)) from error


def damaged(path: Path, why: str) -> DataError:
    """Return the error for a file that is not as its authors published it."""
    return DataError(f"{path} is damaged or another file ({why}). Download the set again.")


def usps(files: Files) -> Found:
    """Read USPS in the form of libsvm: label, then 256 pairs of a place and a value in [-1, 1]."""
    paths: tuple[tuple[Path, PartOfSet], ...] = (
        (files.path("usps.bz2"), "train"), (files.path("usps.t.bz2"), "test"),
    )  # fmt: skip

    def rows() -> Iterator[tuple[PartOfSet, int, Callable[[], NDArray[np.uint8]]]]:
        for path, part in paths:
            for line in lines(path, packed=True):
                label, *pairs = line.split()
                yield part, whole(path, label) - 1, partial(square, path, pairs)

    def square(path: Path, pairs: list[str]) -> NDArray[np.uint8]:
        values = floats(path, [pair.rpartition(":")[2] for pair in pairs])
        return ((values + 1) / 2 * 255).clip(0, 255).astype(np.uint8).reshape(SMALL, SMALL)

    return numbers(rows, DIGITS)


def semeion(files: Files) -> Found:
    """Read Semeion: 256 values of 0 or 1, then a 1 in the column of the digit."""
    path = files.path("semeion.data")

    def rows() -> Iterator[tuple[PartOfSet, int, Callable[[], NDArray[np.uint8]]]]:
        for line in lines(path):
            values = line.split()
            label = values[SMALL**2 :].index("1") if "1" in values[SMALL**2 :] else -1
            yield "train", label, partial(square, values[: SMALL**2])

    def square(values: list[str]) -> NDArray[np.uint8]:
        return (floats(path, values) * 255).clip(0, 255).astype(np.uint8).reshape(SMALL, SMALL)

    return numbers(rows, DIGITS)


def floats(path: Path, values: list[str]) -> NDArray[np.float32]:
    """Return the 256 numbers of a row; raises DataError."""
    try:
        found = np.array(values, np.float32)
    except ValueError as error:
        raise damaged(path, str(error)) from error
    if len(found) != SMALL**2:
        raise damaged(path, f"a row has {len(found):,} values instead of {SMALL**2}")
    return found


def whole(path: Path, text: str) -> int:
    """Return a whole number; raises DataError."""
    try:
        return int(text)
    except ValueError as error:
        raise damaged(path, str(error)) from error


def fer2013(files: Files) -> Found:
    """Read the table of FER2013: emotion, pixels and usage."""
    path = files.path("fer2013.csv")

    def rows() -> Iterator[tuple[PartOfSet, int, Callable[[], NDArray[np.uint8]]]]:
        for row in records(path):
            part = PARTS_OF_FER.get(row.get("Usage") or "")
            if part is None:
                raise damaged(path, "a row has no Usage such as Training")
            yield part, whole(path, row.get("emotion") or ""), partial(square, row)

    def square(row: dict[str, str]) -> NDArray[np.uint8]:
        try:
            values = np.array((row.get("pixels") or "").split(), np.uint8)
            return values.reshape(FER_SIDE, FER_SIDE)
        except (ValueError, OverflowError) as error:
            raise damaged(path, str(error)) from error

    return numbers(rows, EXPRESSIONS)


def pcam(files: Files) -> Found:
    """Read the HDF5 files of PatchCamelyon: x [N, 96, 96, 3] and y [N, 1, 1, 1]."""
    try:
        import h5py
    except ImportError as error:
        raise DataError(
            f"{files.where} holds HDF5 files, and h5py, which reads them, is not installed here. "
            "Install it: pip install h5py"
        ) from error
    classes = ("no tumor", "tumor")
    stacks: list[tuple[Path, int]] = []  # the file of images, and the place of its first
    items: list[Item] = []
    for word, part in PARTS_OF_PCAM.items():
        name = "camelyonpatch_level_2_split_{}_{}.h5"
        images = files.path(name.format(word, "x"))
        with opened(h5py, files.path(name.format(word, "y"))) as file:
            labels = np.asarray(file["y"]).reshape(-1)
        stacks.append((images, len(items)))
        items += [
            Item(name=f"{part}/{row:06}", part=part, label=classes[int(label > 0)])
            for row, label in enumerate(labels)
        ]

    def pictures(wanted: Set[int]) -> Iterator[tuple[int, Raw]]:
        ends = [first for _, first in stacks[1:]] + [len(items)]
        for (path, first), end in zip(stacks, ends, strict=True):
            rows = [index - first for index in sorted(wanted) if first <= index < end]
            with opened(h5py, path) as file:
                for start in range(0, len(rows), CHUNK):
                    some = rows[start : start + CHUNK]
                    for row, pixels in zip(some, np.asarray(file["x"][some]), strict=True):
                        yield row + first, cast(Raw, pixels)

    return Found(items=items, classes=classes, pictures=pictures)


def opened(h5py: Any, path: Path) -> Any:
    """Open an HDF5 file; raises DataError."""
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise damaged(path, str(error)) from error
