"""The lines of a table as CSV or JSON, without cells that a spreadsheet would execute.

The only module that reads and writes CSV: a test refuses any other.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

# what a spreadsheet would execute, also in full width:
# https://owasp.org/www-community/attacks/CSV_Injection
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def as_csv(lines: Sequence[dict[str, Any]], first: Iterable[str] = ()) -> str:
    """Write lines as CSV, some columns first or alone; lists are joined by spaces."""
    file = io.StringIO()
    names = dict.fromkeys([*first, *(name for line in lines for name in line)])
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(map(cell, names))
    writer.writerows([cell(line.get(name)) for name in names] for line in lines)
    return file.getvalue()


def rows_of(lines: Iterable[str], delimiter: str = ",") -> Iterator[list[str]]:
    """Yield the cells of each row of a CSV; raises ValueError where it is damaged."""
    try:
        yield from csv.reader(lines, delimiter=delimiter)
    except csv.Error as error:
        raise ValueError(str(error)) from error


def records_of(lines: Iterable[str], delimiter: str = ",") -> Iterator[dict[str, str]]:
    """Yield the rows of a CSV by the names in its first row, without spaces around names and cells.

    A row that is too short lacks its last columns. Raises ValueError where the CSV is damaged.
    """
    rows = rows_of(lines, delimiter)
    names = [name.strip() for name in next(rows, [])]
    for row in rows:
        if row:  # an empty line is no row
            yield dict(zip(names, map(str.strip, row), strict=False))


def cell(value: Any) -> Any:
    """Return a value as a CSV cell; one that a spreadsheet would execute becomes plain text."""
    if isinstance(value, list | tuple):
        value = " ".join(map(str, value))
    if not isinstance(value, str):
        return value
    runs = value.startswith(FORMULA) and not is_number(value)
    # a bare carriage return would end the row for some readers
    return ("'" if runs else "") + value.replace("\r", "\n")


def is_number(text: str) -> bool:
    """Return True if a text is a number, such as -0.25, which a spreadsheet only reads."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def as_json(lines: Sequence[dict[str, Any]]) -> str:
    """Write lines as a JSON list."""
    return json.dumps(lines, indent=1, default=str)
