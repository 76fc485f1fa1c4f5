"""Finds pairs of images and labels among named arrays, and makes stacks of them."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifar_core.data.contents import PARTS, Ignored, PartOfSet
from cifar_core.data.formats.reading.gather import Found, Stack
from cifar_core.data.formats.reading.holding import Holding
from cifar_core.data.formats.reading.labels import numbered
from cifar_core.data.formats.reading.parts import words_of
from cifar_core.data.formats.reading.shapes import (
    Pictures,
    extent,
    pictures_of,
    reader,
    scale_of,
)
from cifar_core.data.formats.reading.stored import Stored, values
from cifar_core.data.layout.synonyms import PART_OF_WORD
from cifar_core.data.sources.archive import shown
from cifar_core.errors import DataError

IMAGES = {"images", "image", "imgs", "img", "x", "data", "pixels", "pictures", "features"}
LABELS = {"labels", "label", "y", "targets", "target"}
NAMES = {"class_names", "classes", "label_names", "labels_names", "names", "target_names"}
MOST_SHOWN = 8  # names of arrays in a sentence


@dataclass(frozen=True, kw_only=True)
class Arrays:
    """The arrays of a source by their names, and those of texts, which may name the classes."""

    stored: dict[str, Stored]
    texts: dict[str, list[str]] = field(default_factory=dict)


def role_of(key: str) -> tuple[str, PartOfSet | None] | None:
    """Return what an array's name says it holds, "images" or "labels", and of which part."""
    words = [piece for word in words_of(key) for piece in apart(word)]
    part = next((PART_OF_WORD[word] for word in words if word in PART_OF_WORD), None)
    if LABELS & set(words):
        return "labels", part
    return ("images", part) if IMAGES & set(words) else None


def apart(word: str) -> tuple[str, ...]:
    """Return "xtrain" as x and train, other words as they are."""
    return (word[0], word[1:]) if word[:1] in ("x", "y") and word[1:] in PART_OF_WORD else (word,)


def pair(keys: Iterable[str]) -> dict[PartOfSet, tuple[str, str]]:
    """Return for each part the names of its images and its labels, where both are there.

    Arrays that name no part are for training.
    """
    roles: dict[tuple[str, PartOfSet], list[tuple[bool, int, str]]] = defaultdict(list)
    for key in keys:
        role = role_of(key)
        if role:
            roles[role[0], role[1] or "train"].append((role[1] is None, len(key), key))
    return {
        part: (min(roles["images", part])[2], min(roles["labels", part])[2])
        for part in PARTS
        if roles["images", part] and roles["labels", part]
    }


def found_in(
    path: Path,
    holding: Holding,
    arrays: Arrays,
    *,
    last: bool = False,
    relabel: Callable[[NDArray[Any]], NDArray[Any]] | None = None,
) -> Found:
    """Return what arrays hold; `last` as in `pictures_of`; raises DataError.

    `relabel` turns the labels of a part into others.
    """
    pairs = pair(arrays.stored)
    if not pairs:
        there = ", ".join(shown(key) for key in list(arrays.stored)[:MOST_SHOWN]) or "no arrays"
        raise DataError(
            f"{path} holds {there}, but images need two arrays for each part of the set, such as "
            "train_images with train_labels, or x_train with y_train. Rename them."
        )
    names = next((texts for key, texts in arrays.texts.items() if key in NAMES), [])
    labels, extents, pictures = read_small(holding, arrays, pairs, last)
    classes, numbers = numbered(
        arrays.stored[pairs[min(pairs, key=PARTS.index)][1]].name,
        [relabel(labels[part]) if relabel else labels[part] for part in pairs],
        names,
    )
    scale = scale_of(str(path), list(extents.values()))
    used = {arrays.stored[key].file for keys in pairs.values() for key in keys}
    unused = tuple(sorted({stored.file for stored in arrays.stored.values()} - used))
    return Found(
        holding=holding,
        classes=classes,
        stacks=[
            Stack(
                name=part,
                file=pictures[part].stored.file,
                part=part,
                labels=number,
                read=reader(pictures[part], scale),
            )
            for part, number in zip(pairs, numbers, strict=True)
        ],
        said=(
            "Taken from the arrays " + ", ".join(
                f"{shown(pairs[part][0])} ({part})" for part in pairs
            ) + ".",
            *([scale.said] if scale.said else []),
        ),
        ignored=(Ignored(why="hold other arrays", names=unused),) if unused else (),
    )  # fmt: skip


def read_small(
    holding: Holding, arrays: Arrays, pairs: dict[PartOfSet, tuple[str, str]], last: bool
) -> tuple[
    dict[PartOfSet, NDArray[Any]], dict[PartOfSet, tuple[float, float]], dict[PartOfSet, Pictures]
]:
    """Read the labels of each part, the limits of its numbers, and how its pictures lie."""
    labels: dict[PartOfSet, NDArray[Any]] = {}
    for name, file in holding.each({arrays.stored[key].file for _, key in pairs.values()}):
        for part, (_, key) in pairs.items():
            if arrays.stored[key].file == name:
                file.seek(0)
                labels[part] = values(arrays.stored[key], file)
    pictures = {
        part: pictures_of(arrays.stored[key], count(labels[part]), last=last)
        for part, (key, _) in pairs.items()
    }
    extents: dict[PartOfSet, tuple[float, float]] = {}
    for name, file in holding.each({each.stored.file for each in pictures.values()}):
        for part, each in pictures.items():
            if each.stored.file == name:
                file.seek(0)
                extents[part] = extent(each, file)
    return labels, extents, pictures


def count(labels: NDArray[Any]) -> int:
    """Return how many images an array of labels is for."""
    return int(np.size(labels)) if 1 in labels.shape else len(labels) if labels.ndim else 0
