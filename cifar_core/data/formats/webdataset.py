"""WebDataset's shards: tars in which a picture and its label have the same name but for the ending.

`0001.jpg` with `0001.cls` (a number or a word) or `0001.json` (an object with a label). Names of
classes come from `classnames.txt` beside the shards.
"""

import json
import re
from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from cifar_core.data.contents import Contents, Raw
from cifar_core.data.formats.format import Format
from cifar_core.data.formats.reading.gather import Found, Stack, gather
from cifar_core.data.formats.reading.holding import Holding, files_in
from cifar_core.data.formats.reading.labels import numbered
from cifar_core.data.formats.reading.parts import part_of
from cifar_core.data.layout.synonyms import PICTURES
from cifar_core.data.options import SetOptions
from cifar_core.data.sources.archive import ArchiveEntry, entries_of, refuse_damage, shown
from cifar_core.errors import DataError

LABELS = ("cls", "json")
KEYS = ("label", "cls", "class", "target", "class_name", "label_name")
NAMES = "classnames.txt"
TAR = ".tar"
PEEK = 8  # files of a shard that show what it is
MOST_BYTES = 10**6  # of a label
WHOLE = re.compile(r"-?\d+\Z", re.ASCII)


def recognizes(path: Path) -> bool:
    """Return True if the first files of a tar, or of a folder's tars, are pictures with labels."""
    holding = shards(path)
    if not holding:
        return False
    shard = holding.root / next(name for name in holding.names if not is_list(name))
    pictures, labeled = set(), set()
    try:
        with shard.open("rb") as file:
            for entry in islice(samples(shard, file), PEEK):
                if ending(entry.name) in PICTURES:
                    pictures.add(key_of(entry.name))
                elif ending(entry.name) in LABELS and label_in(shard, entry):
                    labeled.add(key_of(entry.name))
    except (OSError, DataError):  # also for what other programs keep in such files
        return False
    return bool(pictures & labeled)


def is_list(name: str) -> bool:
    """Return True for the file of the names of classes."""
    return PurePosixPath(name).name == NAMES


def shards(path: Path) -> Holding | None:
    """Return a tar, or the tars of a folder, with the names of classes; None without any."""
    if path.is_file():
        return Holding(root=path.parent, names=(path.name,)) if path.suffix == TAR else None
    names = files_in(path) or []
    tars = [name for name in names if name.endswith(TAR)]
    return Holding(root=path, names=(*tars, *filter(is_list, names))) if tars else None


def samples(path: Path, file: IO[bytes]) -> Iterator[ArchiveEntry]:
    """Yield the plain files of a shard."""
    size = file.seek(0, 2)
    file.seek(0)
    return (
        entry for entry in entries_of(path, file, size) if not entry.is_folder and not entry.why
    )


def key_of(name: str) -> str:
    """Return what a picture and its label have in common: the name up to the first dot."""
    path = PurePosixPath(name)
    return str(path.with_name(path.name.split(".")[0] or path.name))


def ending(name: str) -> str:
    """Return what follows the first dot of a name, in small letters."""
    return PurePosixPath(name).name.partition(".")[2].lower()


def open_shards(path: Path, options: SetOptions, store: Path) -> Contents:
    """List the pictures of shards."""
    holding = shards(path)
    assert holding
    names: list[str] = []
    labels: dict[str, NDArray[Any]] = {}
    with refuse_damage(path):
        for name, file in holding.each(holding.names):
            if is_list(name):
                lines = file.read(MOST_BYTES).decode("utf-8", "replace").splitlines()
                names = [line.strip() for line in lines if line.strip()]
            else:
                labels[name] = labels_of(holding.root / name, file)
    classes, numbers = numbered(str(path), list(labels.values()), names)
    stacks = [
        Stack(
            name=name.rsplit(".tar", 1)[0],
            file=name,
            part=part_of(name) or "train",
            labels=number,
            read=partial(read, holding, name),
        )
        for name, number in zip(labels, numbers, strict=True)
    ]
    return gather(
        FORMAT.key, path, Found(holding=holding, classes=classes, stacks=stacks), options, store
    )


def labels_of(path: Path, file: IO[bytes]) -> NDArray[Any]:
    """Return the label of each picture of a shard, in its order; "" or -1 without one."""
    keys: list[str] = []
    labels: dict[str, str] = {}
    for entry in samples(path, file):
        if ending(entry.name) in PICTURES:
            keys.append(key_of(entry.name))
        elif ending(entry.name) in LABELS:
            labels[key_of(entry.name)] = label_in(path, entry)
    found = [labels.get(key, "") for key in keys]
    if all(WHOLE.match(label) or not label for label in found):
        return np.array([int(label) if label else -1 for label in found], np.int64)
    return np.array(found, str)


def label_in(path: Path, entry: ArchiveEntry) -> str:
    """Return the label that a file holds; raises DataError."""
    text = entry.start(MOST_BYTES).decode("utf-8", "replace").strip()
    if ending(entry.name) == "cls":
        return text
    try:
        said = json.loads(text)
        label = next(said[key] for key in KEYS if key in said)
    except (ValueError, TypeError, StopIteration, RecursionError) as error:
        raise DataError(
            f"{path} has '{shown(entry.name)}' without a label. Add one of "
            f"{', '.join(KEYS)}, or a file that ends in .cls."
        ) from error
    return str(label) if isinstance(label, str | int) else ""


def read(
    holding: Holding, name: str, file: IO[bytes], wanted: NDArray[np.int64]
) -> Iterator[tuple[int, Raw]]:
    """Yield the wanted pictures of a shard as the bytes of their files."""
    rows, row = set(wanted.tolist()), -1
    for entry in samples(holding.root / name, file):
        if ending(entry.name) in PICTURES:
            row += 1
            if row in rows:
                yield row, entry.read()


FORMAT = Format(
    key="webdataset",
    title="WebDataset",
    summary="Tars in which each picture lies beside its label, as 0001.jpg with 0001.cls or .json.",
    recognizes=recognizes,
    open=open_shards,
)
