"""Pickles with arrays of images, such as the Python form of CIFAR-100: read without unpickling."""

import re
from collections.abc import Iterator
from contextlib import nullcontext
from functools import partial
from math import isqrt
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from cifar_core.data.contents import Contents, PartOfSet, Raw
from cifar_core.data.formats.format import Format
from cifar_core.data.formats.reading.gather import Found, Stack, gather
from cifar_core.data.formats.reading.holding import Holding, holding_of
from cifar_core.data.formats.reading.labels import numbered
from cifar_core.data.formats.reading.parts import part_of
from cifar_core.data.formats.reading.pickled import Foreign, foreign, plain, text
from cifar_core.data.formats.reading.shapes import (
    Pictures,
    Scale,
    limits_of,
    picture,
    pictures_of,
    scale_of,
)
from cifar_core.data.formats.reading.stored import Stored
from cifar_core.data.options import SetOptions
from cifar_core.data.sources.archive import refuse_damage, shown
from cifar_core.errors import DataError

BATCH = re.compile(r"(?:(?:train|val|test)_)?data(?:_batch_\d+)?\Z|test_batch\Z", re.I)
SPLIT = re.compile(r"(?:train|val|test)\Z", re.I)
META = re.compile(r"(?:batches\.)?meta\Z", re.I)
ENDINGS = (".pkl", ".pickle", ".p")
DATA = ("data", "images", "features", "x")
LABELS = ("fine_labels", "labels", "label", "targets", "y")
NAMES = ("fine_label_names", "label_names", "class_names", "classes")
AS_NPZ = "Save the images and their labels as .npz (numpy.savez)."


def recognizes(path: Path) -> bool:
    """Return True if files are named as CIFAR's are, or as pickles, and begin as pickles do."""
    holding = holding_of(path)
    return bool(holding and batches(holding))


def batches(holding: Holding) -> list[str]:
    """Return the names of the files that are pickles of images."""
    named = [name for name in holding.names if is_batch(name)]
    if holding.packed or len(holding.names) == len([n for n in named if n.endswith(ENDINGS)]):
        return named
    return [name for name in named if starts_as_pickle(holding.root / name)]


def is_batch(name: str) -> bool:
    """Return True if a file is named like one that holds images as a pickle."""
    last = name.rsplit("/", 1)[-1]
    if last.lower().endswith(ENDINGS):
        return not META.match(last.rsplit(".", 1)[0])
    return bool(BATCH.match(last) or SPLIT.match(last))


def starts_as_pickle(path: Path) -> bool:
    """Return True if a file's first byte is that of a pickle of protocol 2 or later."""
    try:
        with path.open("rb") as file:
            start = file.read(2)
    except OSError:
        return False
    return len(start) == 2 and start[0] == 0x80 and 2 <= start[1] <= 5


def open_pickles(path: Path, options: SetOptions, store: Path) -> Contents:
    """List the images of pickles."""
    holding = holding_of(path)
    assert holding
    files = batches(holding)
    metas = [name for name in holding.names if META.match(name.rsplit("/", 1)[-1])]
    labels: list[NDArray[Any]] = []
    order: list[tuple[str, PartOfSet, tuple[float, float]]] = []
    names: list[str] = []
    with refuse_damage(path):
        for name, file in holding.each([*files, *metas]):
            if name in metas:
                names = names_of(plain(shown(name), file))
                continue
            images, these = batch(name, file)
            labels.append(these)
            order.append((name, part_of(name) or "train", limits(name, images, len(these))))
        scale = scale_of(str(path), [limit for *_, limit in order])
        classes, numbers = numbered(str(path), labels, names)
    stacks = [
        Stack(name=title, file=name, part=part, labels=number, read=partial(read, name, scale))
        for title, (name, part, _), number in zip(
            titles([name for name, *_ in order]), order, numbers, strict=True
        )
    ]
    said = ("The pickles were read without running any of their instructions.",)
    found = Found(
        holding=holding,
        classes=classes,
        stacks=sorted(stacks, key=lambda stack: stack.name),
        said=said + ((scale.said,) if scale.said else ()),
    )
    return gather(FORMAT.key, path, found, options, store)


def titles(names: list[str]) -> list[str]:
    """Return short names for files: without folders where that leaves them distinct."""
    short = [name.rsplit("/", 1)[-1] for name in names]
    return short if len(set(short)) == len(short) else names


def names_of(meta: Any) -> list[str]:
    """Return the names of the classes that a file of names gives."""
    if not isinstance(meta, dict):
        return []
    names: list[Any] = next((meta[key] for key in NAMES if isinstance(meta.get(key), list)), [])
    return [str(text(name)) for name in names if isinstance(name, str | bytes)]


def batch(name: str, file: IO[bytes]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the images [N, ...] and the labels of a pickle; raises DataError."""
    value = plain(shown(name), file)
    if not isinstance(value, dict):
        unknown = f"needs {shown(value.name)} to be read" if isinstance(value, Foreign) else (
            f"is a {type(value).__name__}"
        )  # fmt: skip
        raise DataError(
            f"{shown(name)} {unknown}, but should be a dictionary with data and labels. {AS_NPZ}"
        )
    data = next((value[key] for key in DATA if key in value), None)
    labels = next((value[key] for key in LABELS if key in value), None)
    if not isinstance(data, np.ndarray) or not isinstance(labels, list | np.ndarray):
        there = ", ".join(shown(key) for key in list(value)[:8]) or "nothing"
        needs = ", ".join(shown(each) for each in foreign(value))
        raise DataError(
            f"{shown(name)} holds {there}, but should hold an array called data and a list called "
            f"labels{f'; {needs} would have to be run, which is never done' if needs else ''}. "
            f"{AS_NPZ}"
        )
    if isinstance(labels, list) and not all(
        isinstance(label, int | str | bytes) for label in labels
    ):
        raise DataError(f"{shown(name)} has labels that are not numbers or texts. {AS_NPZ}")
    return data, np.array([text(label) for label in labels]) if isinstance(labels, list) else labels


def shaped(images: NDArray[Any]) -> NDArray[Any]:
    """Return images as they are, but rows of three planes of square pictures as [N, 3, h, h]."""
    if images.ndim == 2 and images.shape[1] % 3 == 0:
        side = isqrt(images.shape[1] // 3)
        if 3 * side * side == images.shape[1]:
            return images.reshape(len(images), 3, side, side)
    return images


def limits(name: str, images: NDArray[Any], count: int) -> tuple[float, float]:
    """Check the shape of images, and return their smallest and largest number."""
    pictures = pictures_in(name, shaped(images), count)
    if images.dtype == np.uint8:
        return 0, 255
    return limits_of(pictures.stored.name, images)


def pictures_in(name: str, images: NDArray[Any], count: int) -> Pictures:
    """Return how the pictures lie in an array that is in memory; raises DataError."""
    stored = Stored(
        name=f"data of {shown(name)}",
        file=name,
        shape=images.shape,
        dtype=images.dtype,
        begin=nullcontext,
    )
    return pictures_of(stored, count)


def read(
    name: str, scale: Scale, file: IO[bytes], wanted: NDArray[np.int64]
) -> Iterator[tuple[int, Raw]]:
    """Yield the wanted pictures of a pickle."""
    data, labels = batch(name, file)
    images = shaped(data)
    pictures = pictures_in(name, images, len(labels))
    if pictures.last:
        images = np.moveaxis(images, -1, 0)
    for row in wanted.tolist():
        yield row, picture(pictures, scale(images[row]))


FORMAT = Format(
    key="pickle",
    title="Pickled arrays",
    summary="The Python form of CIFAR-10 and CIFAR-100 and pickles like it: a dictionary with data "
    "and labels, read without running any instruction of the pickle.",
    recognizes=recognizes,
    open=open_pickles,
)
