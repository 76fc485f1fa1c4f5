"""The binary form of CIFAR-10 and CIFAR-100: records of one or two labels and three planes."""

import functools
import re
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from cifar_core.data.contents import Contents, Raw
from cifar_core.data.formats.format import Format
from cifar_core.data.formats.reading.gather import Found, Stack, gather
from cifar_core.data.formats.reading.holding import Holding, holding_of, stem
from cifar_core.data.formats.reading.labels import numbered
from cifar_core.data.formats.reading.parts import part_of
from cifar_core.data.formats.reading.stored import AGAIN, Stored, blocks
from cifar_core.data.options import SetOptions
from cifar_core.data.sources.archive import refuse_damage, shown
from cifar_core.errors import DataError

SIDE = 32
PLANES = 3 * SIDE * SIDE
BATCH = re.compile(r"(?:data_batch_\d+|test_batch|train|test)\.bin\Z", re.I)
NAMES = ("batches.meta.txt", "fine_label_names.txt")


def recognizes(path: Path) -> bool:
    """Return True if files are named as those of CIFAR's binary form."""
    holding = holding_of(path)
    return bool(holding and batches(holding))


def batches(holding: Holding) -> list[str]:
    """Return the names of the files that hold records."""
    return [name for name in holding.names if BATCH.match(name.rsplit("/", 1)[-1])]


def open_records(path: Path, options: SetOptions, store: Path) -> Contents:
    """List the images of binary records."""
    holding = holding_of(path)
    assert holding
    files = batches(holding)
    lists = [name for name in holding.names if name.rsplit("/", 1)[-1] in NAMES]
    labels: dict[str, NDArray[np.int64]] = {}
    stored: dict[str, Stored] = {}
    names: list[str] = []
    with refuse_damage(path):
        for name, file in holding.each([*files, *lists]):
            if name in lists:
                names = file.read(10**6).decode("utf-8", "replace").split()
            else:
                stored[name] = records(name, file)
                file.seek(0)
                labels[name] = labels_of(stored[name], file)
        classes, numbers = numbered(str(path), [labels[name] for name in files], names)
    stacks = [
        Stack(
            name=stem(name),
            file=name,
            part=part_of(name) or "train",
            labels=number,
            read=functools.partial(read, stored[name]),
        )
        for name, number in zip(files, numbers, strict=True)
    ]
    found = Found(holding=holding, classes=classes, stacks=stacks)
    return gather(FORMAT.key, path, found, options, store)


def records(name: str, file: IO[bytes]) -> Stored:
    """Return the records of a file as an array [N, 3073] or [N, 3074]; raises DataError."""
    size = file.seek(0, 2)
    hundred = name.rsplit("/", 1)[-1].lower() in ("train.bin", "test.bin")
    record = PLANES + (2 if hundred else 1)  # CIFAR-100 has a coarse label before the fine one
    if not size or size % record:
        raise DataError(
            f"{shown(name)} has {size:,} bytes, but should have a multiple of {record:,}. {AGAIN}"
        )
    return Stored(
        name=shown(name),
        file=name,
        shape=(size // record, record),
        dtype=np.dtype(np.uint8),
        begin=nullcontext,
    )


def labels_of(stored: Stored, file: IO[bytes]) -> NDArray[np.int64]:
    """Return the labels [N] of records."""
    place = stored.shape[1] - PLANES - 1
    return np.concatenate([block[:, place] for _, block in blocks(stored, file, last=False)])


def read(stored: Stored, file: IO[bytes], wanted: NDArray[np.int64]) -> Iterator[tuple[int, Raw]]:
    """Yield the wanted pictures of records, uint8 [32, 32, 3]."""
    for start, block in blocks(stored, file, False, wanted):
        for row in wanted[(wanted >= start) & (wanted < start + len(block))].tolist():
            planes = block[row - start, -PLANES:].reshape(3, SIDE, SIDE)
            yield row, np.ascontiguousarray(planes.transpose(1, 2, 0))


FORMAT = Format(
    key="cifar_binary",
    title="CIFAR's binary form",
    summary="data_batch_1.bin and test_batch.bin of CIFAR-10, or train.bin and test.bin of "
    "CIFAR-100.",
    recognizes=recognizes,
    open=open_records,
)
