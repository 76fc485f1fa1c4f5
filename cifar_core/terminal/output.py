"""What commands print: a table for people, or JSON for programs."""

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from cifar_core.installation import STORE_RULE
from cifar_core.runs.store.store import Store

Row = Mapping[str, Any]


def add_json(parser: ArgumentParser) -> None:
    """Give a command that lists the switch for programs."""
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def add_store(parser: ArgumentParser) -> None:
    """Give a command the switch that names the store."""
    parser.add_argument("--store", help=f"folder of runs (default: {STORE_RULE})")


def store_of(arguments: Namespace) -> Store:
    """Return the store that the command line or the environment names."""
    return Store(Path(arguments.store)) if arguments.store else Store.default()


def show(rows: Iterable[Row], as_json: bool) -> None:
    """Print rows as a JSON list, or as a table whose columns are the first row's keys."""
    rows = list(rows)
    if as_json:
        print(json.dumps(rows, indent=2, default=str))
    elif rows:
        print(table(rows))
    else:
        print("Nothing here yet.")


def table(rows: list[Row]) -> str:
    """Lay rows out in aligned columns, numbers to the right."""
    names = list(rows[0])
    cells = [names, *([word(row[name]) for name in names] for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(names))]
    right = [all(isinstance(row[n], int | float | None) for row in rows) for n in names]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in cells
    )


def word(value: Any) -> str:
    """Write a value for a person; what is not known is a dash."""
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def percent(share: float | None) -> str | None:
    """Write a share from 0 to 1 as per cent with two decimals."""
    return None if share is None else f"{100 * share:.2f} %"
