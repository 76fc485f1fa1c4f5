"""STL-10's binary files: train_X.bin with train_y.bin, and the same for test.

Coates, Ng and Lee, "An Analysis of Single Layer Networks in Unsupervised Feature Learning", 2011.
The planes of a picture run down its columns, and labels begin at 1.
"""

from contextlib import nullcontext
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cifar_core.data.contents import Contents, PartOfSet
from cifar_core.data.formats.format import Format
from cifar_core.data.formats.reading.gather import Found, Stack, gather
from cifar_core.data.formats.reading.holding import Holding, holding_of
from cifar_core.data.formats.reading.labels import numbered
from cifar_core.data.formats.reading.shapes import Scale, pictures_of, reader
from cifar_core.data.formats.reading.stored import AGAIN, Stored
from cifar_core.data.options import SetOptions
from cifar_core.data.sources.archive import refuse_damage, shown
from cifar_core.errors import DataError

SIDE = 96
NAMES = "class_names.txt"
PARTS: tuple[PartOfSet, ...] = ("train", "test")


def recognizes(path: Path) -> bool:
    """Return True if the labeled training images are there under STL-10's names."""
    holding = holding_of(path)
    return bool(holding and "train" in pairs_of(holding))


def pairs_of(holding: Holding) -> dict[PartOfSet, tuple[str, str]]:
    """Return the files of images and labels of each part."""
    by_name = {name.rsplit("/", 1)[-1]: name for name in holding.names}
    return {
        part: (by_name[f"{part}_X.bin"], by_name[f"{part}_y.bin"])
        for part in PARTS
        if {f"{part}_X.bin", f"{part}_y.bin"} <= set(by_name)
    }


def open_stl10(path: Path, options: SetOptions, store: Path) -> Contents:
    """List the labeled images of STL-10's files; those without labels are not read."""
    holding = holding_of(path)
    assert holding
    pairs = pairs_of(holding)
    small = {labels: part for part, (_, labels) in pairs.items()}
    lists = [name for name in holding.names if name.rsplit("/", 1)[-1] == NAMES]
    labels: dict[PartOfSet, NDArray[np.int64]] = {}
    sizes: dict[str, int] = {}
    names: list[str] = []
    with refuse_damage(path):
        for name, file in holding.each(
            [*(name for pair in pairs.values() for name in pair), *lists]
        ):
            sizes[name] = file.seek(0, 2)
            file.seek(0)
            if name in small:
                numbers = np.frombuffer(file.read(10**7), np.uint8).astype(np.int64)
                labels[small[name]] = numbers - 1 if lists else numbers
            elif name in lists:
                names = file.read(10**6).decode("utf-8", "replace").split()
    classes, indices = numbered(str(path), [labels[part] for part in pairs], names)
    pictures = {
        part: pictures_of(stored(images, sizes[images]), len(labels[part]))
        for part, (images, _) in pairs.items()
    }
    stacks = [
        Stack(
            name=part,
            file=pairs[part][0],
            part=part,
            labels=index,
            read=reader(pictures[part], Scale(), turned=True),
        )
        for part, index in zip(pairs, indices, strict=True)
    ]
    found = Found(holding=holding, classes=classes, stacks=stacks)
    return gather(FORMAT.key, path, found, options, store)


def stored(name: str, size: int) -> Stored:
    """Return a file of images as an array [N, 3, 96, 96]; raises DataError."""
    if not size or size % (3 * SIDE * SIDE):
        raise DataError(
            f"{shown(name)} has {size:,} bytes, but should have a multiple of "
            f"{3 * SIDE * SIDE:,}. {AGAIN}"
        )
    return Stored(
        name=shown(name),
        file=name,
        shape=(size // (3 * SIDE * SIDE), 3, SIDE, SIDE),
        dtype=np.dtype(np.uint8),
        begin=nullcontext,
    )


FORMAT = Format(
    key="stl10",
    title="STL-10's binary form",
    summary="train_X.bin with train_y.bin, and test_X.bin with test_y.bin.",
    recognizes=recognizes,
    open=open_stl10,
)
