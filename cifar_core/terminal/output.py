"""What commands print: tables, sentences and progress bars for people, JSON for programs.

In a terminal, tables and sentences fit the window. In a file or a pipe each row and each sentence
is one line, as wide as it needs to be, and there are no progress bars.
"""

import json
import shutil
import sys
import textwrap
from argparse import SUPPRESS, ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from cifar_core.installation import STORE_RULE
from cifar_core.runs.store.store import Store

Row = Mapping[str, Any]
Report = Callable[[int, int], None]  # how much is done, and of how much
LEAST = 8  # characters of a long word that a line of a cell holds


def add_run(parser: ArgumentParser) -> None:
    """Give a command its run."""
    parser.add_argument("run", help="number or id of the run")


def add_json(parser: ArgumentParser) -> None:
    """Give a command that lists the switch for programs."""
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def add_store(parser: ArgumentParser) -> None:
    """Give a command the switch that names the store; it may stand before the command too."""
    about = f"folder of runs (default: {STORE_RULE})"
    parser.add_argument("--store", default=SUPPRESS, help=about)  # keeps the one before


def store_of(arguments: Namespace) -> Store:
    """Return the store that the command line or the environment names."""
    return Store(Path(arguments.store)) if arguments.store else Store.default()


def show(rows: Iterable[Row], as_json: bool) -> None:
    """Print rows as a JSON list, or as a table whose columns are the first row's keys."""
    rows = list(rows)
    if as_json:
        print(json.dumps(rows, indent=2, default=str))
    elif not rows:
        print("Nothing here yet.")
    elif sys.stdout.isatty():
        show_fitted(rows)
    else:
        print(table(rows))


def show_fitted(rows: list[Row]) -> None:
    """Print a table that fits the window: long cells wrap, with a blank line between the rows.

    In a window too narrow for its columns, each row becomes a block of lines.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console, names = Console(), list(rows[0])
    columns = [[name, *(word(row[name]) for row in rows)] for name in names]
    widths, gap = fitting(columns, console.width)
    if not widths:
        longest = max(map(len, names))
        for row in rows:
            say("\n".join(f"{name:<{longest}}  {word(row[name])}" for name in names) + "\n")
        return
    wraps = any(len(cell) > width for c, width in zip(columns, widths, strict=True) for cell in c)
    fitted = Table(box=None, pad_edge=False, padding=(0, gap, int(wraps), 0), header_style="bold")
    for name, width in zip(names, widths, strict=True):
        side: Literal["right", "left"] = "right" if is_numeric(rows, name) else "left"
        fitted.add_column(Text(name), justify=side, width=width, overflow="fold")
    for row in rows:
        fitted.add_row(*(Text(word(row[name])) for name in names))
    console.print(fitted)


def fitting(columns: list[list[str]], room: int) -> tuple[list[int], int]:
    """Return the widths of columns and the gap between them, in all at most `room` characters.

    Long columns give way first; then words are broken, but not into less than LEAST characters.
    Without any width, they do not fit.
    """
    natural = [max(map(len, cells)) for cells in columns]
    words = [max(len(part) for cell in cells for part in cell.split() or "-") for cells in columns]
    parts = [min(LEAST, width) for width in words]
    for gap, least, most in [(2, words, natural), (1, words, natural), (1, parts, words)]:
        for cap in range(max(most), 0, -1):
            widths = [max(low, min(cap, high)) for low, high in zip(least, most, strict=True)]
            if sum(widths) + gap * (len(widths) - 1) <= room:
                return widths, gap
    return [], 0


def table(rows: list[Row]) -> str:
    """Lay rows out in aligned columns, one line each, numbers to the right."""
    names = list(rows[0])
    cells = [names, *([word(row[name]) for name in names] for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(names))]
    right = [is_numeric(rows, name) for name in names]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in cells
    )


def is_numeric(rows: list[Row], name: str) -> bool:
    """Return whether a column holds nothing but numbers and gaps."""
    return all(isinstance(row[name], int | float | None) for row in rows)


def say(text: str) -> None:
    """Print sentences; in a terminal, lines break between words."""
    if sys.stdout.isatty():
        text = "\n".join(textwrap.fill(line, window_width()) for line in text.splitlines())
    print(text)


def window_width() -> int:
    """Return the width of the window in characters; 100 where there is none."""
    return shutil.get_terminal_size((100, 24)).columns


@contextmanager
def progress(title: str, *, in_bytes: bool = False) -> Iterator[Report]:
    """Draw a bar on the error stream while a block works, if a terminal shows that stream.

    Yields what the block calls to say how much is done; until then the bar shows only that time
    passes.
    """
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    bars = Progress(
        TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn(),
        console=Console(stderr=True), transient=True, redirect_stdout=sys.stdout.isatty(),
    )  # fmt: skip
    with bars:
        bar = bars.add_task(title, total=None)

        def tell(done: int, total: int) -> None:
            amount = (
                f"{done / 1e6:,.1f} of {total / 1e6:,.1f} MB"
                if in_bytes
                else f"{done:,} of {total:,}"
            )
            text = f"{title}  {amount}" if total else title
            bars.update(bar, completed=done, total=total or None, description=text)

        yield tell


def word(value: Any) -> str:
    """Write a value for a person; an unknown one is a dash."""
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def percent(share: float | None) -> str | None:
    """Write a share from 0 to 1 as a percentage with two decimals."""
    return None if share is None else f"{100 * share:.2f} %"
