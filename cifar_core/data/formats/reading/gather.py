"""Puts stacks of images, one or several a file, together to what a source holds."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from cifar_core.data.contents import (
    PARTS,
    Columns,
    Contents,
    Ignored,
    Item,
    PartOfSet,
    Raw,
)
from cifar_core.data.formats.reading.holding import Holding
from cifar_core.data.layout.class_names import readable
from cifar_core.data.layout.set_aside import set_aside
from cifar_core.data.options import SetOptions
from cifar_core.data.sources.archive import refuse_damage
from cifar_core.errors import DataError


@dataclass(frozen=True, kw_only=True)
class Stack:
    """Images of one part in one file. An image's name is the stack's, "/" and its number."""

    name: str  # unique in the set
    file: str  # in the holding
    part: PartOfSet
    labels: NDArray[np.int64]  # [N], indices of classes; -1 for an image without a label
    read: Callable[[IO[bytes], NDArray[np.int64]], Iterator[tuple[int, Raw]]]  # rows, sorted
    groups: Sequence[str] = ()  # [N], or empty


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a format found in a source, before a missing part is split off."""

    holding: Holding
    classes: tuple[str, ...]
    stacks: list[Stack]
    said: tuple[str, ...] = ()
    ignored: tuple[Ignored, ...] = ()
    columns: Columns | None = None
    title: str = ""


def gather(key: str, path: Path, found: Found, options: SetOptions, store: Path) -> Contents:
    """Return the contents of a source of the format `key`; raises DataError."""
    names = tuple(map(readable, found.classes))
    if len(set(names)) == len(names):
        found = replace(found, classes=names)
    stacks, unlabeled = with_training(path, found.stacks)
    classes, left_out = trained(found.classes, stacks)
    items = [
        Item(
            name=name_of(stack, row),
            part=stack.part,
            label=found.classes[label],
            group=stack.groups[row] if stack.groups else "",
        )
        for stack in stacks
        for row, label in enumerate(stack.labels.tolist())
        if label >= 0 and found.classes[label] in classes
    ]
    number = {name: index for index, name in enumerate(classes)}
    items, drawn = set_aside(items, options, store, str(path))
    said = [*found.said, *left_out, *drawn]
    items.sort(key=lambda item: (PARTS.index(item.part), number[item.label], item.name))
    by_name = {stack.name: stack for stack in stacks}

    def pictures(wanted: Set[int]) -> Iterator[tuple[int, Raw]]:
        places: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for index in wanted:
            name, row = items[index].name.rsplit("/", 1)
            places[name].append((int(row), index))
        yield from read(found.holding, by_name, places)

    return Contents(
        format=key,
        items=tuple(items),
        classes=classes,
        pictures=pictures,
        said=tuple(said),
        ignored=(*found.ignored, *unlabeled),
        columns=found.columns,
        title=found.title,
    )


def name_of(stack: Stack, row: int) -> str:
    """Return an image's name; names sort as numbers do."""
    return f"{stack.name}/{row:0{len(str(len(stack.labels) - 1))}}"


def read(
    holding: Holding, stacks: dict[str, Stack], places: dict[str, list[tuple[int, int]]]
) -> Iterator[tuple[int, Raw]]:
    """Yield pictures from every stack's places: pairs of its row and the index of the item."""
    by_file: dict[str, list[str]] = defaultdict(list)
    for name in places:
        by_file[stacks[name].file].append(name)
    for file_name, file in holding.each(by_file):
        for name in by_file[file_name]:
            index_of = dict(places[name])
            with refuse_damage(holding.root / file_name):
                file.seek(0)
                for row, raw in stacks[name].read(file, np.array(sorted(index_of))):
                    yield index_of[row], raw


def with_training(path: Path, stacks: list[Stack]) -> tuple[list[Stack], list[Ignored]]:
    """Return the stacks that have labels; a single one without a known part is for training."""
    labeled = [stack for stack in stacks if (stack.labels >= 0).any()]
    bare = [stack.name for stack in stacks if not (stack.labels >= 0).any()]
    if not any(stack.part == "train" for stack in labeled):
        there = " and ".join(dict.fromkeys(stack.part for stack in labeled)) or "no"
        raise DataError(
            f"{path} has {there} images with labels, but no training images. Add the file of the "
            "training images."
        )
    ignored = [
        Ignored(why=why, names=tuple(names))
        for why, names in (
            ("have no labels", bare),
            ("are images without a label", without_label(labeled)),
        )
        if names
    ]
    return labeled, ignored


def without_label(stacks: list[Stack]) -> list[str]:
    """Return the names of images without a label in any of the stacks for the parts of a file."""
    found: dict[str, list[Stack]] = defaultdict(list)
    for stack in stacks:
        found[stack.name.partition(":")[0]].append(stack)
    return [
        name_of(same[0], row)
        for same in found.values()
        for row in np.flatnonzero(np.all([stack.labels < 0 for stack in same], axis=0)).tolist()
    ]


def trained(classes: tuple[str, ...], stacks: list[Stack]) -> tuple[tuple[str, ...], list[str]]:
    """Return the classes that have training images, and sentences about the others."""
    there, anywhere = np.zeros(len(classes), bool), np.zeros(len(classes), bool)
    for stack in stacks:
        there[stack.labels[stack.labels >= 0]] |= stack.part == "train"
        anywhere[stack.labels[stack.labels >= 0]] = True
    said = []
    for count, what in (
        (int((~anywhere).sum()), "has a name but no images"),
        (int((anywhere & ~there).sum()), "has no training images"),
    ):
        if count:
            many = f"{count:,} classes were" if count > 1 else "One class was"
            said.append(f"{many} left out: {'each ' if count > 1 else 'it '}{what}.")
    return tuple(np.array(classes, object)[there].tolist()), said
