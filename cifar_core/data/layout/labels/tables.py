"""Reads tables of labels: CSV and its relatives, JSON and JSON lines, whatever their details."""

import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from cifar_core.data.layout import synonyms
from cifar_core.disk.tables import rows_of

DELIMITERS = (",", "\t", ";", "|")
SAMPLE = 20  # lines by which a delimiter is chosen
MOST_COLUMNS = 20_000  # of a table whose columns are classes
FILE, LABEL = "file", "label"  # columns of a mapping that has no names for them
UNLIKE = (  # what is raised for JSON that has another form, and for damaged lines
    *(ValueError, RecursionError, TypeError, KeyError, AttributeError),
)
SEVERAL = "\x1f"  # between the values of a cell that holds several


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table of texts."""

    name: str  # of its file
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]  # each as long as `columns`
    headed: bool = True  # False if the columns' names were made up

    @property
    def folder(self) -> str:
        """Return the folder in which the table lies, with a slash at its end unless it is ""."""
        folder = self.name.rpartition("/")[0]
        return folder and folder + "/"

    def headless(self) -> "Table":
        """Return the same table with its first line as a row, for one that begins at once."""
        columns = tuple(f"column {number}" for number in range(1, len(self.columns) + 1))
        return Table(name=self.name, columns=columns, rows=[self.columns, *self.rows], headed=False)


def read_table(name: str, data: bytes) -> Table | None:
    """Return the table in a file; None if it is not a table of two columns or more."""
    text = text_of(data)
    ending = synonyms.ending_of(name)
    try:
        if ending == "json":
            table = of_records(name, records(json.loads(text)))
        elif ending in ("jsonl", "ndjson"):
            lines = [json.loads(line) for line in text.splitlines() if line.strip()]
            table = of_records(name, records(lines))
        else:
            table = of_lines(name, text, ending)
    except UNLIKE:
        return None
    fits = table and 1 < len(table.columns) <= MOST_COLUMNS and table.rows
    return table if fits else None


def text_of(data: bytes) -> str:
    """Return the text of a file in UTF-8, UTF-16 with its mark, or an older Western encoding."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def of_lines(name: str, text: str, ending: str) -> Table | None:
    """Return a table from lines with a delimiter, the one that divides them most evenly."""
    first = [line for line in text.splitlines()[:SAMPLE] if line.strip()]
    if not first:
        return None
    choices = ("\t",) if ending in ("tsv", "tab") else DELIMITERS
    delimiter = max(choices, key=lambda choice: evenness(first, choice))
    if evenness(first, delimiter) > 1:
        found: Iterator[Sequence[str]] = rows_of(io.StringIO(text), delimiter)
    elif ending == "txt":
        found = (spaced(line) for line in text.splitlines())
    else:
        return None
    rows = [tuple(cell.strip() for cell in row) for row in found if any(row)]
    if not rows:
        return None
    width = len(rows[0])
    return Table(name=name, columns=rows[0], rows=[fitted(row, width) for row in rows[1:]])


def evenness(lines: Sequence[str], delimiter: str) -> int:
    """Return the number of cells in the line with the fewest."""
    return min(len(row) for row in rows_of(lines, delimiter))


def spaced(line: str) -> list[str]:
    """Return the cells of a line such as 'images/a b.jpg 3': the last word is one."""
    return re.split(r"\s+(?=\S+\s*$)", line.strip(), maxsplit=1)


def fitted(row: tuple[str, ...], width: int) -> tuple[str, ...]:
    """Return a row with as many cells as there are columns."""
    return row[:width] + ("",) * (width - len(row))


def of_records(name: str, found: Iterator[Mapping[str, Any]]) -> Table | None:
    """Return a table from JSON objects; its columns are all their entries."""
    objects = list(found)
    columns = tuple(dict.fromkeys(key for one in objects for key in one))
    rows = [tuple(cell_of(one.get(key)) for key in columns) for one in objects]
    return Table(name=name, columns=columns, rows=rows) if columns else None


def cell_of(value: Any) -> str:
    """Return a value of JSON as the text of a cell."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, list):
        return SEVERAL.join(dict.fromkeys(map(cell_of, value)))
    if isinstance(value, dict):
        name = next((value[key] for key in ("name", "label", "class", "path") if key in value), "")
        return cell_of(name)
    return str(value).strip()


def records(value: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the objects in a JSON value, in any of the forms in which labels are kept."""
    if isinstance(value, list):
        for one in value:
            if isinstance(one, dict):
                yield one
            elif isinstance(one, list) and len(one) > 1:
                yield {FILE: one[0], LABEL: one[1]}
    elif isinstance(value, dict):
        if {"images", "annotations", "categories"} <= value.keys():
            yield from coco(value)
        else:
            yield from of_mapping(value)


def of_mapping(value: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the objects of {file: label}, {file: {...}}, {label: [files]} or {"data": [...]}."""
    lists = {key: one for key, one in value.items() if isinstance(one, list)}
    nested = [one for one in lists.values() if one and isinstance(one[0], dict | list)]
    if len(nested) == 1:
        yield from records(nested[0])
        return
    files = [key for key, one in lists.items() if any(map(is_file_name, one[:1]))]
    if len(lists) == len(value) and len(files) == 1 and len(set(map(len, lists.values()))) == 1:
        for row in zip(*lists.values(), strict=True):  # a list for each column
            yield dict(zip(lists, row, strict=True))
        return
    for key, one in value.items():
        if isinstance(one, dict):
            yield {FILE: key} | one
        elif isinstance(one, list) and any(map(is_file_name, one)):
            yield from ({FILE: file, LABEL: key} for file in one)
        else:
            yield {FILE: key, LABEL: one}


def is_file_name(value: Any) -> bool:
    """Return True for a text with the ending of a picture."""
    return isinstance(value, str) and synonyms.ending_of(value) in synonyms.PICTURES


def coco(value: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield an object for each annotation of the COCO format."""
    names = {one["id"]: one.get("name", one["id"]) for one in value["categories"]}
    files = {one["id"]: one.get("file_name", "") for one in value["images"]}
    for one in value["annotations"]:
        label = names.get(one.get("category_id"), "")
        yield {FILE: files.get(one.get("image_id"), ""), LABEL: label}


def names_in(name: str, data: bytes) -> list[str] | dict[str, str]:
    """Return the names in a list of classes: one a line, or a mapping from numbers to names."""
    if synonyms.ending_of(name) != "json":
        lines = [line.strip() for line in text_of(data).splitlines()]
        return [line for line in lines if line]
    try:
        value = json.loads(text_of(data))
    except (ValueError, RecursionError):
        return []
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return value
    if isinstance(value, dict) and value:
        if all(isinstance(one, str) for one in value.values()):
            return dict(value)
        if all(type(one) is int for one in value.values()):  # {"cat": 0}
            return {str(number): label for label, number in value.items()}
    return []


def stem(name: str) -> str:
    """Return a file's name without folders and ending."""
    return PurePosixPath(name).stem
