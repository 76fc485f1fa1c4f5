"""Tables with one picture a row, such as Kaggle's MNIST: label, pixel0, pixel1, ..."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from math import isqrt, prod
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from cifar_core.data.contents import Contents, Ignored, Raw
from cifar_core.data.formats.format import Format
from cifar_core.data.formats.reading.gather import Found, Stack, gather
from cifar_core.data.formats.reading.holding import holding_of, stem
from cifar_core.data.formats.reading.labels import numbered
from cifar_core.data.formats.reading.parts import part_of
from cifar_core.data.formats.reading.stored import MOST_IMAGES
from cifar_core.data.options import SetOptions
from cifar_core.data.sources.archive import refuse_damage, shown
from cifar_core.errors import DataError

ENDINGS = (".csv", ".tsv")
LABELS = ("label", "class", "target", "y", "emotion")
PIXEL = re.compile(r"(?:pixel|px|p)?[-_. ]?\d+(?:x\d+)?\Z", re.I)
FEWEST, MOST_LINE = 16, 10**7  # pixels of a picture; bytes of the first line
ROWS = 2000  # of a table, read at once


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Where the columns of a table are, and what a row's picture is."""

    separator: str
    named: bool  # the first line names the columns
    label: int | None
    pixels: list[int]  # none if they do not make a square
    shape: tuple[int, ...]  # of a picture: [h, h] or [h, h, 3]


def recognizes(path: Path) -> bool:
    """Return True if the first line of a table has a label and the pixels of a square."""
    holding = holding_of(path)
    if not holding:
        return False
    files = holding.endings(*ENDINGS)
    if holding.packed:
        return bool(files) and len(files) == len(holding.names)
    return any(first_line(holding.root / name).pixels for name in files)


def first_line(path: Path) -> Columns:
    """Return the columns of a table; none if it cannot be read."""
    try:
        with path.open("rb") as file:
            return columns_of(file)
    except OSError:
        return Columns(separator=",", named=True, label=None, pixels=[], shape=())


def columns_of(file: IO[bytes]) -> Columns:
    """Return the columns of a table from its first line, which names them or is the first row.

    In a table without names the label is the first column.
    """
    line = file.readline(MOST_LINE).decode("utf-8-sig", "replace").strip()
    separator = max(",;\t", key=line.count)
    names = [name.strip().strip('"') for name in line.split(separator)]
    named = not all(name.isdecimal() for name in names)
    if not named:
        names = ["label", *(str(number) for number in range(len(names) - 1))]
    label = next((i for i, name in enumerate(names) if name.lower() in LABELS), None)
    pixels = [i for i, name in enumerate(names) if i != label and PIXEL.match(name)]
    shape = square(len(pixels))
    return Columns(
        separator=separator, named=named, label=label, pixels=pixels if shape else [], shape=shape
    )


def square(count: int) -> tuple[int, ...]:
    """Return the shape of a picture of this many numbers; () if it is not a square."""
    for shape in ((isqrt(count),) * 2, (isqrt(count // 3), isqrt(count // 3), 3)):
        if prod(shape) == count and shape[0] ** 2 >= FEWEST:
            return shape
    return ()


def open_tables(path: Path, options: SetOptions, store: Path) -> Contents:
    """List the pictures of tables."""
    holding = holding_of(path)
    assert holding
    labels: dict[str, NDArray[Any]] = {}
    columns: dict[str, Columns] = {}
    bare: list[str] = []
    with refuse_damage(path):
        for name, file in holding.each(holding.endings(*ENDINGS)):
            these = columns_of(file)
            if these.pixels and these.label is not None:
                columns[name] = these
                labels[name] = np.concatenate(
                    [rows[:, 0] for rows in chunks(these, file, [these.label])]
                )
            elif these.pixels:
                bare.append(name)
    if not labels:
        raise DataError(
            f"{path} holds tables without a column of labels. Add a column that is called label."
        )
    classes, numbers = numbered(str(path), list(labels.values()))
    stacks = [
        Stack(
            name=stem(name),
            file=name,
            part=part_of(stem(name)) or "train",
            labels=number,
            read=partial(read, name, columns[name]),
        )
        for name, number in zip(labels, numbers, strict=True)
    ]
    found = Found(
        holding=holding,
        classes=classes,
        stacks=stacks,
        said=tuple(
            f"Each row of {shown(name)} is an image of {these.shape[0]} x {these.shape[1]} pixels."
            for name, these in columns.items()
        ),
        ignored=(Ignored(why="have no column of labels", names=tuple(bare)),) if bare else (),
    )
    return gather(FORMAT.key, path, found, options, store)


def chunks(columns: Columns, file: IO[bytes], wanted: list[int]) -> Iterator[NDArray[Any]]:
    """Yield some columns of a table as arrays [rows, columns], a few hundred rows at a time."""
    import pandas as pd

    file.seek(0)
    table = pd.read_csv(
        file,
        sep=columns.separator,
        header=None,
        skiprows=1 if columns.named else 0,
        usecols=wanted,
        chunksize=ROWS,
        encoding_errors="replace",
    )
    count = 0
    for chunk in table:
        count += len(chunk)
        if count > MOST_IMAGES:
            raise DataError(
                f"A table has more than {MOST_IMAGES:,} rows, which is the most that can be read. "
                "Give fewer images."
            )
        rows = chunk[wanted].to_numpy()
        yield rows.astype(str) if rows.dtype == object else rows


def read(
    name: str, columns: Columns, file: IO[bytes], wanted: NDArray[np.int64]
) -> Iterator[tuple[int, Raw]]:
    """Yield the wanted rows of a table as pictures; numbers are bytes from 0 to 255."""
    start = 0
    for rows in chunks(columns, file, columns.pixels):
        if rows.dtype.kind not in "iu" or rows.min() < 0 or rows.max() > 255:
            raise DataError(
                f"{shown(name)} has pixels that are not whole numbers from 0 to 255, between its "
                f"rows {start + 1:,} and {start + len(rows):,}. Correct or remove these rows."
            )
        for row in wanted[(wanted >= start) & (wanted < start + len(rows))].tolist():
            yield row, rows[row - start].astype(np.uint8).reshape(columns.shape)
        start += len(rows)


FORMAT = Format(
    key="pixel_table",
    title="Table of pixels",
    summary="A CSV with one image a row, as Kaggle stores MNIST: label, pixel0, pixel1 and so on.",
    recognizes=recognizes,
    open=open_tables,
)
