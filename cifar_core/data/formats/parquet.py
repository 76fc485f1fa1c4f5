"""Parquet tables with a column of picture files, as the Hugging Face hub stores sets of images.

The names of classes are in the schema's metadata under `huggingface`, as the library datasets
writes it: https://huggingface.co/docs/datasets/image_dataset.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from cifar_core.data.contents import Columns, Contents, Raw
from cifar_core.data.formats.format import Format
from cifar_core.data.formats.reading.gather import Found, Stack, gather
from cifar_core.data.formats.reading.holding import Holding, holding_of
from cifar_core.data.formats.reading.labels import numbered
from cifar_core.data.formats.reading.parts import part_of
from cifar_core.data.formats.reading.shards import missing
from cifar_core.data.formats.reading.stored import MOST_IMAGES
from cifar_core.data.layout.synonyms import PART_OF_WORD
from cifar_core.data.options import SetOptions
from cifar_core.data.sources.archive import refuse_damage, shown
from cifar_core.errors import DataError

LABELS = ("label", "labels", "fine_label", "class", "target", "category", "y")
GROUPS = ("group", "patient", "patient_id", "subject", "subject_id")
BATCH = 64  # rows read at once
MOST_GROUP = 4 * 2**30  # bytes of a row group, unpacked


@dataclass(frozen=True, kw_only=True)
class Table:
    """The columns of a Parquet file that are used."""

    names: tuple[str, ...]  # of all columns
    image: str
    label: str
    part: str
    group: str
    classes: tuple[str, ...]  # () if the file does not name them
    nested: bool  # an image is a structure of bytes and path, not the bytes themselves
    rows: int


def recognizes(path: Path) -> bool:
    """Return True for a Parquet file, and for a folder or archive with some, but few pictures."""
    holding = holding_of(path)
    return bool(holding and holding.endings(".parquet"))


def open_parquet(path: Path, options: SetOptions, store: Path) -> Contents:
    """List the images of Parquet files."""
    holding = holding_of(path)
    assert holding
    files = one_version(path, holding)
    tables: dict[str, Table] = {}
    columns: dict[str, dict[str, list[Any]]] = {}
    with refuse_damage(path):
        for name, file in holding.each(files):
            tables[name] = table_of(name, file, options)
            columns[name] = small_columns(name, file, tables[name])
            if sum(table.rows for table in tables.values()) > MOST_IMAGES:
                raise DataError(
                    f"{path} has more than {MOST_IMAGES:,} rows, which is the most that can be "
                    "read. Give fewer files."
                )
    first = tables[files[0]]
    classes, numbers = numbered(
        f"The column {shown(first.label)} of {path}",
        [labels_in(name, columns[name][tables[name].label]) for name in files],
        first.classes,
    )
    stacks = [
        stack
        for name, labels in zip(files, numbers, strict=True)
        for stack in stacks_of(name, tables[name], labels, columns[name])
    ]
    found = Found(
        holding=holding,
        classes=classes,
        stacks=stacks,
        said=(f"Images come from the column {shown(first.image)}, classes from the column "
              f"{shown(first.label)}.", *missing(files)),
        columns=Columns(
            table=files[0], names=first.names, file=first.image, label=first.label,
            part=first.part, group=first.group,
        ),
    )  # fmt: skip
    return gather(FORMAT.key, path, found, options, store)


def one_version(path: Path, holding: Holding) -> list[str]:
    """Return the Parquet files of a source; raises DataError if they are of several versions."""
    versions: dict[str, list[str]] = {}
    for name in holding.endings(".parquet"):
        folders = PurePosixPath(name).parent.parts
        kept = [
            each for each in folders if each.lower() not in PART_OF_WORD and each.lower() != "data"
        ]
        versions.setdefault("/".join(kept), []).append(name)
    if len(versions) > 1:
        there = ", ".join(shown(version or "the folder itself") for version in sorted(versions))
        raise DataError(
            f"{path} holds several versions of a set: {there}. Name the folder of one of them."
        )
    return next(iter(versions.values()))


def table_of(name: str, file: IO[bytes], options: SetOptions) -> Table:
    """Return the columns of a Parquet file; raises DataError if it has no images or labels."""
    parquet = opened(name, file)
    schema, metadata = parquet.schema_arrow, parquet.metadata
    features = features_in(schema)
    images = {each.name: is_nested(each.type) for each in schema if is_image(each.type)}
    plain = [each.name for each in schema if each.name not in images]
    image = options.file_column or next(iter(images), "")
    label = options.label_column or label_in(plain, features)
    if image not in images or label not in plain:
        raise DataError(
            f"{shown(name)} has the columns {', '.join(map(shown, schema.names[:20]))}, but needs "
            "one with pictures (bytes) and one with labels (numbers or texts). Choose the column "
            "of labels on the set's page, or add it."
        )
    for number in range(metadata.num_row_groups):
        if metadata.row_group(number).total_byte_size > MOST_GROUP:
            raise DataError(
                f"{shown(name)} has a row group of more than {MOST_GROUP / 2**30:.0f} GiB. Write "
                "the file with smaller row groups."
            )
    return Table(
        names=tuple(schema.names),
        image=image,
        label=label,
        part=options.part_column if options.part_column in plain else "",
        group=options.group_column
        if options.group_column in plain
        else next((each for each in plain if each.lower() in GROUPS), ""),
        classes=tuple(map(str, features.get(label, {}).get("names") or ())),
        nested=images[image],
        rows=metadata.num_rows,
    )


def opened(name: str, file: IO[bytes]) -> Any:
    """Return a Parquet file; raises DataError if it is damaged."""
    import pyarrow as pa
    from pyarrow import parquet

    try:
        return parquet.ParquetFile(file, pre_buffer=False)
    except (pa.ArrowException, OSError) as error:
        raise damaged(name, error) from error


def damaged(name: str, error: Exception) -> DataError:
    """Return the error about a Parquet file that cannot be read."""
    return DataError(
        f"{shown(name)} is damaged or cut short ({shown(error)}). Get it again and compare its "
        "size with the original."
    )


def features_in(schema: Any) -> dict[str, Any]:
    """Return what the hub's library says of each column; {} if it says nothing."""
    try:
        said = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
        features = said["info"]["features"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    if not isinstance(features, dict):
        return {}
    return {name: each for name, each in features.items() if isinstance(each, dict)}


def is_nested(kind: Any) -> bool:
    """Return True for a structure with the bytes of a picture."""
    from pyarrow import types

    return bool(types.is_struct(kind) and any(field.name == "bytes" for field in kind))


def is_image(kind: Any) -> bool:
    """Return True for a type that holds the bytes of pictures."""
    from pyarrow import types

    return is_nested(kind) or types.is_binary(kind) or types.is_large_binary(kind)


def label_in(names: list[str], features: dict[str, Any]) -> str:
    """Return the column of labels: one that names classes, or is called label; "" if none is."""
    named = [name for name in names if features.get(name, {}).get("_type") == "ClassLabel"]
    for candidates in (named, names):
        best = next((label for label in LABELS if label in candidates), None)
        if best or (candidates is named and named):
            return best or named[0]
    return ""


def small_columns(name: str, file: IO[bytes], table: Table) -> dict[str, list[Any]]:
    """Read the columns of a Parquet file that are not pictures."""
    wanted = list(dict.fromkeys(filter(None, (table.label, table.part, table.group))))
    values: dict[str, list[Any]] = {column: [] for column in wanted}
    for batch in batches(name, opened(name, file), wanted, size=10_000):
        for column in wanted:
            values[column] += batch.column(column).to_pylist()
    return values


def batches(name: str, table: Any, columns: list[str], **options: Any) -> Iterator[Any]:
    """Yield the rows of a Parquet file in batches; raises DataError if it is damaged."""
    import pyarrow as pa

    try:
        yield from table.iter_batches(
            batch_size=options.get("size", BATCH),
            columns=columns,
            row_groups=options.get("groups"),
            use_threads=False,
        )
    except (pa.ArrowException, OSError) as error:
        raise damaged(name, error) from error


def labels_in(name: str, values: list[Any]) -> NDArray[Any]:
    """Return a column of labels as an array; -1 for a row without one. Raises DataError."""
    if any(isinstance(value, list | dict) for value in values):
        raise DataError(
            f"{shown(name)} gives an image several labels, but a classifier needs exactly one. "
            "Choose another column of labels on the set's page."
        )
    if all(value is None or isinstance(value, int | float) for value in values):
        return np.array([-1 if value is None else value for value in values])
    return np.array(["" if value is None else str(value) for value in values])


def stacks_of(
    name: str, table: Table, labels: NDArray[np.int64], columns: dict[str, list[Any]]
) -> Iterator[Stack]:
    """Yield the images of a file: one stack, or one for each part that a column names."""
    said = [part_of(str(value)) for value in columns[table.part]] if table.part else []
    groups = ["" if each is None else str(each) for each in columns.get(table.group, [])]
    whole = part_of(name) or "train"
    for part in dict.fromkeys(said) if said else [whole]:
        yield Stack(
            name=f"{PurePosixPath(name).with_suffix('').as_posix()}{f':{part}' if said else ''}",
            file=name,
            part=part or "train",
            labels=np.where([each == part for each in said], labels, -1) if said else labels,
            groups=groups,
            read=partial(read, name, table),
        )


def read(
    name: str, table: Table, file: IO[bytes], wanted: NDArray[np.int64]
) -> Iterator[tuple[int, Raw]]:
    """Yield the wanted rows of a Parquet file, each as the bytes of a picture file."""
    parquet = opened(name, file)
    start = 0
    for number in range(parquet.num_row_groups):
        rows = parquet.metadata.row_group(number).num_rows
        if np.any((wanted >= start) & (wanted < start + rows)):
            yield from read_group(name, table, parquet, number, start, wanted)
        start += rows


def read_group(
    name: str, table: Table, parquet: Any, number: int, start: int, wanted: NDArray[np.int64]
) -> Iterator[tuple[int, Raw]]:
    """Yield the wanted rows of one group of rows, whose first row is `start`."""
    for batch in batches(name, parquet, [table.image], groups=[number]):
        inside = wanted[(wanted >= start) & (wanted < start + batch.num_rows)]
        column = batch.column(0)
        if table.nested:
            column = column.field("bytes")
        for row in inside.tolist():
            yield row, column[row - start].as_py() or b""  # a missing picture is unreadable
        start += batch.num_rows


FORMAT = Format(
    key="parquet",
    title="Parquet",
    summary="Tables with a column of pictures and one of labels, as the Hugging Face hub stores "
    "sets of images: data/train-00000-of-00001.parquet.",
    recognizes=recognizes,
    open=open_parquet,
)
