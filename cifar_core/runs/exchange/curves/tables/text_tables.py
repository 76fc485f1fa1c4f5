"""Tables of another tool as text: CSV with any sign between its columns, JSON, and JSON lines."""

import codecs
import json
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

from cifar_core.disk.tables import rows_of
from cifar_core.errors import ArchiveError
from cifar_core.runs.exchange.curves.limits import LONGEST_LINE, MOST_COLUMNS

DELIMITERS = (",", ";", "\t", "|")
BOMS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
DEEPEST = 4  # objects within objects whose numbers are curves
LARGEST_JSON = 200 * 10**6  # bytes of a file that is one JSON value
Row = dict[str, Any]


def encoding_of(head: bytes) -> str:
    """Return the encoding of a text, by its first bytes; that of Western Windows if not UTF-8."""
    for bom, name in BOMS.items():
        if head.startswith(bom):
            return name
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def lines_of(path: Path) -> Iterator[str]:
    """Yield the lines of a text file; ArchiveError if one is longer than any table's."""
    with path.open("rb") as file:
        encoding = encoding_of(file.read(4096))
    with path.open(encoding=encoding, errors="replace", newline="") as text:
        while line := text.readline(LONGEST_LINE):
            if len(line) == LONGEST_LINE:
                raise ArchiveError(
                    f"{path.name} has a line of more than {LONGEST_LINE:,} characters, so it is "
                    "not a table of curves."
                )
            yield line.replace("\0", "")


def is_json(head: bytes) -> bool:
    """Return True if a file starts as JSON does."""
    start = head.decode(encoding_of(head), "replace").lstrip()
    return start.startswith(("{", "["))


def delimiter_of(head: bytes) -> str:
    """Return the sign between the columns of a CSV, by its first line; "" if it has one column."""
    text = head.decode(encoding_of(head), "replace").removeprefix("\ufeff")
    first = text.lstrip("\r\n").split("\n", 1)[0]
    best = max(DELIMITERS, key=first.count)
    return best if first.count(best) else ""


def csv_rows(path: Path, head: bytes) -> Iterator[Row]:
    """Yield the rows of a CSV by its columns, with numbers where they are numbers."""
    delimiter = delimiter_of(head)
    lines = (line for line in lines_of(path) if line.strip())
    first = next(lines, "")
    if first.lower().startswith("sep="):  # a line for Excel
        first = next(lines, "")
    try:
        rows = rows_of(chain([first], lines), delimiter or ",")
        names = [name.strip() for name in next(rows, [])]
        if len(names) > MOST_COLUMNS:
            raise ArchiveError(
                f"{path.name} has {len(names):,} columns, but at most {MOST_COLUMNS:,} can be read."
            )
        comma = delimiter not in ("", ",")
        for row in rows:
            yield {
                name: value_of(cell, comma=comma) for name, cell in zip(names, row, strict=False)
            }
    except ValueError as error:
        raise ArchiveError(f"{path.name} cannot be read as a table ({error}).") from error


def value_of(cell: str, *, comma: bool = False) -> float | str | None:
    """Return the number in a cell, its text, or None if it is empty.

    With `comma` a comma may stand for the decimal point. "85 %" is the number 85.
    """
    text = cell.strip()
    if not text:
        return None
    plain = text.removesuffix("%").rstrip()
    if comma:
        plain = plain.replace(",", ".", 1)
    try:
        return float(plain)
    except ValueError:
        return text.removeprefix("'")  # how our own export marks what is no formula


def json_rows(path: Path, head: bytes) -> Iterator[Row]:
    """Yield the objects of a file of JSON lines, or of a list of objects, with flat names."""
    try:
        if head.decode(encoding_of(head), "replace").lstrip().startswith("["):
            if path.stat().st_size > LARGEST_JSON:
                raise ArchiveError(
                    f"{path.name} is too large for one list. Write each row on a line of its own."
                )
            for value in json.loads("".join(lines_of(path))):
                yield flat(value)
            return
        for line in lines_of(path):
            if line.strip():
                yield flat(json.loads(line))
    except (ValueError, RecursionError, TypeError) as error:
        raise ArchiveError(
            f"{path.name} is neither a list of JSON objects nor one object on each line."
        ) from error


def flat(value: Any, start: str = "", depth: int = 0) -> Row:
    """Return an object whose inner objects are joined to names with slashes."""
    if not isinstance(value, dict) or depth > DEEPEST:
        return {}
    found: Row = {}
    for name, one in islice(value.items(), MOST_COLUMNS):
        if isinstance(one, dict):
            found |= flat(one, f"{start}{name}/", depth + 1)
        elif one in ("NaN", "Infinity", "-Infinity"):  # as JSON without such numbers says them
            found[start + str(name)] = float("nan")
        elif isinstance(one, str | int | float | bool):
            found[start + str(name)] = one
    return found
