"""Turns the rows of a table into curves: which column is the step, the run, the time, the value."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, islice
from pathlib import PurePosixPath
from typing import Any

from cifar_core.runs.exchange.curves.gather import Gathered
from cifar_core.runs.exchange.curves.limits import MOST_ROWS
from cifar_core.runs.exchange.curves.materials import Materials
from cifar_core.runs.exchange.curves.tables.parquet_tables import (
    START,
    parquet_columns,
    parquet_rows,
)
from cifar_core.runs.exchange.curves.tables.text_tables import (
    csv_rows,
    delimiter_of,
    is_json,
    json_rows,
)

# names of columns in lower case, the most exact first
STEPS = ("global_step", "trainer/global_step", "train/global_step", "step", "_step", "steps",
         "iteration", "iter", "global step", "batch")  # fmt: skip
EPOCHS = ("epoch", "train/epoch", "epochs", "trainer/epoch")
TIMES = ("_timestamp", "timestamp", "wall_time", "wall time", "t")
RUNS = ("run_id", "run_name", "run", "run name", "run id")
RUN_NAMES = ("run_name", "run name")
LONG_NAMES, LONG_VALUES = ("metric", "tag", "metric_name", "key", "variable"), ("value",)
SAID_OTHERWISE = {"kind", "id", "project_name", "seconds", "cpu_seconds", "_runtime", "best", "",
                  "unnamed: 0", "index"}  # columns that are not curves  # fmt: skip
USUAL_STEMS = ("metrics", "history", "results", "log", "logs", "data", "run", "progress", "summary")
Row = dict[str, Any]


@dataclass(frozen=True)
class Layout:
    """Which columns of a table are what; "" if it has none."""

    place: str
    axis: str  # what `place` counts: step, epoch or row
    run: str
    run_name: str
    time: str
    metric: str  # of a long table, which has a row for each value
    value: str

    @property
    def no_curves(self) -> set[str]:
        """The columns that are not curves."""
        return {self.place, self.run, self.run_name, self.time}


def tables(found: Materials) -> list[str]:
    """List the files that are tables by their first bytes."""
    return [name for name, head in found.heads.items()
            if head.startswith(START) or (head.strip() and b"\0\0" not in head[:256]
            and (is_json(head) or (delimiter_of(head) and is_text(head))))]  # fmt: skip


def is_text(head: bytes) -> bool:
    """Return True if some bytes are text, rather than a program or a picture."""
    strange = sum(byte < 9 for byte in head[:512])
    return strange <= len(head[:512]) // 50 or head.startswith((b"\xff\xfe", b"\xfe\xff"))


def columns_of(found: Materials, name: str) -> list[str]:
    """Return the columns of a table, of JSON lines those of the first rows."""
    if found.heads[name].startswith(START):
        return parquet_columns(found.path(name))
    return list(dict.fromkeys(column for row in islice(rows_of(found, name), 20) for column in row))


def rows_of(found: Materials, name: str) -> Iterator[Row]:
    """Yield the rows of a table by its columns."""
    path, head = found.path(name), found.heads[name]
    if head.startswith(START):
        return parquet_rows(path)
    return json_rows(path, head) if is_json(head) else csv_rows(path, head)


def first_of(names: Sequence[str], columns: Iterable[str]) -> str:
    """Return the first of some names that is a column, as it is written there."""
    by_name = {column.strip().lower(): column for column in columns}
    return next((by_name[name] for name in names if name in by_name), "")


def layout_of(columns: Sequence[str], steps: Sequence[str] = STEPS) -> Layout:
    """Return which columns of a table are what."""
    step, epoch = first_of(steps, columns), first_of(EPOCHS, columns)
    metric, value = first_of(LONG_NAMES, columns), first_of(LONG_VALUES, columns)
    return Layout(
        place=step or epoch,
        axis="step" if step else "epoch" if epoch else "row",
        run=first_of(RUNS, columns),
        run_name=first_of(RUN_NAMES, columns),
        time=first_of(TIMES, columns),
        metric=metric if value else "",
        value=value if metric else "",
    )


def gather_table(found: Materials, name: str, gathered: Gathered, layout: Layout | None = None,
                 rename: Callable[[str], tuple[str, str]] | None = None) -> None:  # fmt: skip
    """Add the curves of a table; `rename` splits a column into a run's name and a curve's."""
    rows = rows_of(found, name)
    first = list(islice(rows, 20))
    layout = layout or layout_of(list(dict.fromkeys(column for row in first for column in row)))
    alone = len(found.names) == 1
    own_id, own_name = ("", gathered.fallback) if alone else (name, title_among(found.names, name))
    for number, row in enumerate(chain(first, rows)):
        if number >= MOST_ROWS:
            gathered.left[f"rows after the first {MOST_ROWS:,}"] += 1
            return
        place = row.get(layout.place) if layout.place else float(number)
        if isinstance(place, bool) or not isinstance(place, int | float) or place != place:
            gathered.left[f"rows without a {layout.axis}"] += 1
            continue
        id_ = said(row.get(layout.run)) or own_id
        shown = said(row.get(layout.run_name)) or shown_as(id_, own_id, own_name)
        at = moment(row.get(layout.time)) if layout.time else 0.0
        for curve, value in cells(row, layout):
            if rename is not None:
                id_, curve = rename(curve)
                shown = id_
            if not curve:
                continue
            run = gathered.run(id_, shown or own_name)
            run.axis = layout.axis
            run.add(curve, place, value, at)


def cells(row: Row, layout: Layout) -> Iterator[tuple[str, Any]]:
    """Yield the values of a row with the names of their curves."""
    if layout.metric:
        yield said(row.get(layout.metric)), row.get(layout.value)
        return
    without = layout.no_curves
    for name, value in row.items():
        if name not in without and name.strip().lower() not in SAID_OTHERWISE:
            yield name, value


def said(value: object) -> str:
    """Return a cell as text: a whole number without its point."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value).strip()


def moment(value: object) -> float:
    """Return a time as unix seconds; 0 if it cannot be read."""
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value / 1000 if value > 1e11 else float(value)
    try:
        found = datetime.fromisoformat(str(value))
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return 0.0


def shown_as(id_: str, own_id: str, own_name: str) -> str:
    """Return the name of a run that has none: of the table, of its id, or of both for a number."""
    if id_ == own_id:
        return own_name
    return f"{own_name} {id_}" if id_.isdecimal() else id_


def title_among(names: Sequence[str], name: str) -> str:
    """Return the name of a run after its file; with its folders if two files would be the same."""
    title = title_of(name)
    is_alone = sum(title_of(other) == title for other in names) == 1
    return title if is_alone else str(PurePosixPath(name).with_suffix(""))


def title_of(name: str) -> str:
    """Return the name of a run after its file, or its folder if the file's says nothing."""
    path = PurePosixPath(name)
    usual = path.stem.lower() in USUAL_STEMS and path.parent.name
    return path.parent.name if usual else path.stem
