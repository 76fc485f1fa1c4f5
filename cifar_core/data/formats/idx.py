"""The files of MNIST and the sets made like it: idx, compressed or not.

LeCun, Cortes and Burges, "The MNIST database of handwritten digits", section "File formats": two
zero bytes, one for the type, one for the number of axes, each axis's length as 4 bytes with the
highest first, then the numbers.
"""

import functools
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from cifar_core.data.contents import Contents, PartOfSet
from cifar_core.data.formats.format import Format
from cifar_core.data.formats.reading.gather import Found, Stack, gather
from cifar_core.data.formats.reading.holding import Holding, holding_of, unzipped
from cifar_core.data.formats.reading.labels import numbered
from cifar_core.data.formats.reading.parts import part_of
from cifar_core.data.formats.reading.shapes import Pictures, extent, pictures_of, reader, scale_of
from cifar_core.data.formats.reading.stored import AGAIN, Stored, values, written
from cifar_core.data.options import SetOptions
from cifar_core.data.sources.archive import refuse_damage, shown
from cifar_core.errors import DataError

TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
MOST_AXES = 4
NAME = re.compile(
    r"(?P<set>.*?)[-_.]?(?P<what>images|labels)[-_.]idx\d-(?:ubyte|int)(?:\.(?:gz|bz2|xz))?\Z", re.I
)


def recognizes(path: Path) -> bool:
    """Return True if images and labels are there under the names that MNIST's files have."""
    holding = holding_of(path)
    return bool(holding and pairs_of(holding))


def pairs_of(holding: Holding, prefix: str = "") -> dict[str, tuple[str, str]]:
    """Return the files of images and of labels by what is before these words in their names.

    Only names that begin with `prefix` count. Of two forms of a file, the plain one is taken.
    """
    files: dict[tuple[str, str], str] = {}
    for name in sorted(holding.names, key=len, reverse=True):  # the shortest stays
        match = NAME.match(name.rsplit("/", 1)[-1])
        if match and match["set"].lower().startswith(prefix):
            files[match["set"].lower(), match["what"].lower()] = name
    return {
        title: (files[title, "images"], files[title, "labels"])
        for title, what in sorted(files)
        if what == "images" and (title, "labels") in files
    }


def open_idx(
    path: Path,
    options: SetOptions,
    store: Path,
    *,
    prefix: str = "",
    transposed: bool = False,
    names: tuple[str, ...] = (),
) -> Contents:
    """List the images of idx files.

    EMNIST's are `transposed`, and its sets lie beside each other: `prefix` chooses one, such as
    "emnist-balanced". `names` are those of the classes, by their numbers.
    """
    holding = holding_of(path)
    assert holding
    pairs = by_part(path, pairs_of(holding, prefix))
    with refuse_damage(path):
        headers = {
            name: header(name, file)
            for name, file in holding.each([name for pair in pairs.values() for name in pair])
        }
        labels: dict[PartOfSet, NDArray[np.int64]] = {}
        of_labels = {labels: part for part, (_, labels) in pairs.items()}
        for name, file in holding.each(of_labels):
            labels[of_labels[name]] = first_column(values(headers[name], file))
        pictures: dict[PartOfSet, Pictures] = {
            part: pictures_of(headers[images], len(labels[part]))
            for part, (images, _) in pairs.items()
        }
        of_images = {images: part for part, (images, _) in pairs.items()}
        scale = scale_of(
            str(path),
            [extent(pictures[of_images[name]], file) for name, file in holding.each(of_images)],
        )
        classes, numbers = numbered(str(path), [labels[part] for part in pairs], names)
    stacks = [
        Stack(
            name=part,
            file=pairs[part][0],
            part=part,
            labels=number,
            read=reader(pictures[part], scale, turned=transposed),
        )
        for part, number in zip(pairs, numbers, strict=True)
    ]
    found = Found(
        holding=holding,
        classes=classes,
        stacks=stacks,
        said=tuple(
            f"{shown(images)} became the {WHAT[part]} images."
            for part, (images, _) in pairs.items()
        ),
    )
    return gather(FORMAT.key, path, found, options, store)


WHAT: dict[PartOfSet, str] = {"train": "training", "val": "validation", "test": "test"}


def by_part(path: Path, pairs: dict[str, tuple[str, str]]) -> dict[PartOfSet, tuple[str, str]]:
    """Return the files of each part; raises DataError if several sets lie beside each other."""
    parts: dict[PartOfSet, tuple[str, str]] = {}
    for title, files in pairs.items():
        part = part_of(title) or "train"
        if part in parts:
            raise DataError(
                f"{path} holds several sets: {shown(parts[part][0])} and {shown(files[0])}. Put "
                "each into a folder of its own and name that folder."
            )
        parts[part] = files
    return parts


def header(name: str, file: IO[bytes]) -> Stored:
    """Return what the header of an idx file says; raises DataError."""
    stream = unzipped(file)
    start = stream.read(4)
    axes = start[3] if len(start) == 4 else 0
    lengths = stream.read(4 * axes) if axes <= MOST_AXES else b""
    if start[:2] != b"\0\0" or start[2] not in TYPES or not axes or len(lengths) != 4 * axes:
        raise DataError(f"{shown(name)} is not an idx file, or is cut short. {AGAIN}")
    shape = tuple(np.frombuffer(lengths, ">u4").tolist())
    return Stored(
        name=shown(name),
        file=name,
        shape=shape,
        dtype=np.dtype(TYPES[start[2]]),
        begin=functools.partial(behind, 4 + 4 * axes),
    )


@contextmanager
def behind(size: int, file: IO[bytes]) -> Iterator[IO[bytes]]:
    """Give the stream of an idx file behind its header of `size` bytes."""
    stream = unzipped(file)
    stream.read(size)
    yield stream


def first_column(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return labels [N] from [N] or QMNIST's [N, 8], whose first column is the digit.

    Yadav and Bottou, "Cold Case: The Lost MNIST Digits", 2019.
    """
    if labels.ndim > 2:
        raise DataError(
            f"A file of labels has the shape {written(labels.shape)}. Store one label for each "
            "image: [N]."
        )
    return labels[:, 0] if labels.ndim == 2 else labels


FORMAT = Format(
    key="idx",
    title="idx",
    summary="MNIST's files, such as train-images-idx3-ubyte.gz with train-labels-idx1-ubyte.gz; "
    "also those of FashionMNIST, KMNIST and QMNIST.",
    recognizes=recognizes,
    open=open_idx,
)
