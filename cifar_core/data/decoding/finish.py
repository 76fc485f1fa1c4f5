"""Makes the decoded dataset of a draft in which every picture is done."""

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifar_core.data import cache
from cifar_core.data.contents import PARTS, Columns, Contents, Item
from cifar_core.data.dataset import Dataset, Images, fingerprint
from cifar_core.data.decoding.draft import (
    DECODED,
    DEPTH,
    GRAY,
    HEIGHT,
    LOSSY,
    PIXELS,
    STATE,
    WIDTH,
    Draft,
    one_line,
)
from cifar_core.data.decoding.notes import from_file, note
from cifar_core.data.description import describe
from cifar_core.data.sizing import Sizing
from cifar_core.disk import files
from cifar_core.disk.checks import LONGEST, readable

NAMES, SIZES, GRAYS = "names.txt", "sizes.npy", "gray.npy"  # of the images, in their order
UNSURE = "surrogateescape"  # names that are not UTF-8


def finish(
    draft: Draft,
    contents: Contents,
    path: Path,
    about: Mapping[str, str],
    folder: Path,
    sizing: Sizing,
) -> None:
    """Write arrays and description into a folder, flushed to the disk; raises OSError.

    `about` has the dataset's kind, title, source and fingerprint_at_32. The draft stays as it is.
    Where nothing has to be left out or scaled, its pixels are linked.
    """
    taken = draft.table[:, STATE] == DECODED
    for name, part in zip(PIXELS, spans(draft), strict=True):
        transfer(draft, name, part, taken, folder / f"{name}.npy")
    items = [item for item, is_taken in zip(contents.items, taken, strict=True) if is_taken]
    table = draft.table[taken]
    dataset = assemble(folder, contents, items, about)
    counts = found(contents, items, table, draft)
    deep = int((table[:, DEPTH] > 0).sum())
    dataset = replace(dataset, note=note(dataset, path, counts, sizing, deep=deep)[:LONGEST])
    arrays = keep_arrays(folder, dataset)
    keep_details(folder, items, table)
    describe(dataset, folder, arrays, sizing, origin=contents.origin[:LONGEST], found=counts)


def spans(draft: Draft) -> tuple[slice, slice]:
    """Return which pictures are in each of the two files of pixels."""
    return slice(0, draft.first), slice(draft.first, len(draft.items))


def transfer(draft: Draft, name: str, part: slice, taken: NDArray[np.bool_], target: Path) -> None:
    """Put the taken pictures of a file of the draft into its final place, all of one scale.

    16-bit pictures that use fewer bits than the deepest one of the set become darker.
    """
    depths = draft.table[:, DEPTH]
    deepest = int(depths.max(initial=0))
    shifts = np.where((depths > 0) & taken, deepest - depths, 0)[part]
    count = int(taken[part].sum())
    if count == part.stop - part.start and not shifts.any():
        link(draft.folder / target.name, target)
        return
    source = draft.pixels(name)
    shape = (count, *source.shape[1:])
    offset = np.lib.format.open_memmap(target, "w+", np.uint8, shape).offset
    with target.open("r+b") as file:  # not through the map: a full disk would end the process
        file.seek(offset)
        start = 0
        for some in from_file(source):
            rows = slice(start, start + len(some))
            scaled = some >> shifts[rows, None, None, None].astype(np.uint8)
            file.write(np.ascontiguousarray(scaled[taken[part][rows]]).data)
            start = rows.stop
    files.sync_file(target)


def link(source: Path, target: Path) -> None:
    """Give a file a second name, or copy it where the file system has no such names."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
        files.sync_file(target)


def assemble(
    folder: Path, contents: Contents, items: Sequence[Item], about: Mapping[str, str]
) -> Dataset:
    """Return the dataset over the pixels that are in the folder, all that is kept of them."""
    index = {label: number for number, label in enumerate(contents.classes)}
    labels = np.array([index[item.label] for item in items], np.int64)
    parts = np.array([PARTS.index(item.part) for item in items])
    train, test = (
        np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in PIXELS
    )
    kept_back = np.flatnonzero(parts == PARTS.index("val"))
    images = [
        Images(
            pixels=train,
            labels=labels[: len(train)],
            kept_back=kept_back if len(kept_back) else None,
        ),
        Images(pixels=test, labels=labels[len(train) :]),
    ]
    classes = tuple(readable(label) for label in contents.classes)
    return Dataset(
        kind=about["kind"],
        title=about["title"],
        source=about["source"],
        classes=classes,
        train=images[0],
        test=images[1],
        fingerprint=fingerprint(classes, images, from_file),
        note="",
        fingerprint_at_32=about["fingerprint_at_32"],
    )


def found(
    contents: Contents, items: Sequence[Item], table: NDArray[np.int32], draft: Draft
) -> dict[str, Any]:
    """Return what was found out, as `Found` describes it."""
    parts = np.array([PARTS.index(item.part) for item in items])
    gray = table[:, GRAY] > 0
    return {
        "format": contents.format,
        "said": [words[:LONGEST] for words in contents.said],
        "ignored": [{"why": one.why, "number": len(one.names)} for one in contents.ignored],
        "unreadable": len(draft.items) - len(items),
        "val_images": int((parts == PARTS.index("val")).sum()),
        "gray": {part: int(gray[parts == i].sum()) for i, part in enumerate(PARTS)},
        "lossy": int((table[:, LOSSY] > 0).sum()),
        "scaled": int((table[:, [WIDTH, HEIGHT]] != draft.side).any(axis=1).sum()),
        "deepest": int(table[:, DEPTH].max(initial=0)),
        "columns": columns_of(contents.columns),
    }


def columns_of(columns: Columns | None) -> dict[str, str]:
    """Return which columns of a table of labels were taken; empty if there is no table."""
    if columns is None:
        return {}
    names = ("table", "file", "label", "part", "group")
    return {name: readable(getattr(columns, name))[:LONGEST] for name in names}


def keep_arrays(folder: Path, dataset: Dataset) -> list[str]:
    """Write the arrays beside the pixels; return the names of all."""
    arrays = cache.arrays_of(dataset)
    for name, array in arrays.items():
        if name not in PIXELS:
            cache.save(folder / f"{name}.npy", array)
    return list(arrays)


def keep_details(folder: Path, items: Sequence[Item], table: NDArray[np.int32]) -> None:
    """Write what only the Data page reads: names, one a line, and sizes; pixels of the pictures."""
    names = "".join(one_line(item.name) + "\n" for item in items)
    (folder / NAMES).write_bytes(names.encode("utf-8", UNSURE))
    cache.save(folder / SIZES, table[:, [WIDTH, HEIGHT]])
    cache.save(folder / GRAYS, table[:, GRAY] > 0)


def names_in(folder: Path) -> list[str]:
    """Return the names of the decoded images in a folder, in their order; empty if not known."""
    try:
        return (folder / NAMES).read_bytes().decode("utf-8", UNSURE).split("\n")[:-1]
    except OSError:
        return []
