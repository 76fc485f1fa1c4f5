"""The lines of a table as CSV or JSON, without cells that a spreadsheet would execute."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from typing import Any

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would execute


def as_csv(lines: Sequence[dict[str, Any]], first: Iterable[str] = ()) -> str:
    """Write lines as CSV, some columns first or alone; lists are joined by spaces."""
    file = io.StringIO()
    names = dict.fromkeys([*first, *(name for line in lines for name in line)])
    writer = csv.DictWriter(file, list(names), lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: cell(value) for name, value in line.items()} for line in lines)
    return file.getvalue()


def cell(value: Any) -> Any:
    """Return a value as a CSV cell; one that a spreadsheet would execute becomes plain text."""
    if isinstance(value, list | tuple):
        return " ".join(map(str, value))
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def as_json(lines: Sequence[dict[str, Any]]) -> str:
    """Write lines as a JSON list."""
    return json.dumps(lines, indent=1, default=str)
