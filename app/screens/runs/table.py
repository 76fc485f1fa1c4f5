"""The list of runs: one row for each run, and what its columns say."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from app import theme
from app.screens.runs.run_list import Head, Kind, Line
from app.shared.queue.clusters import unanswered_words
from cifar_core import palette
from cifar_core.numbers import NARROW
from cifar_core.runs import CURVES, KINDS, STATES, TRAINING, RunRow
from cifar_core.runs.listing.clusters import cluster_of, is_handed_over, waits_there
from cifar_core.runs.listing.columns import COLUMNS, Column
from cifar_core.runs.listing.table import USUAL, with_balanced
from cifar_core.runs.record.states import FAILURES

EXAMPLE = "example"  # the tag and the badge of the runs that come with the program
DAMAGED = {"text": "Damaged file", "color": "red", "icon": "heart_broken"}
PINNED, STARRED = ("keep", "Pinned"), ("star", "Starred")


def heads(columns: Sequence[str]) -> list[Head]:
    """Return the columns of the list."""
    return [
        Head(
            key=column.key,
            title=column.title,
            about=column.summary,
            kind="links" if column.key == linked(columns) else kind_of(column),
            sortable=column.kind != "curve",
        )
        for column in (COLUMNS[key] for key in columns)
    ]


def linked(columns: Sequence[str]) -> str:
    """Return the column that opens the runs if their names are not shown."""
    return "" if "name" in columns else "number"


def kind_of(column: Column) -> Kind:
    """Return how the list draws a column."""
    return KIND.get(column.key) or BY_KIND.get(column.kind, "text")


KIND: dict[str, Kind] = {"name": "name", "state": "state", "star": "text", "time": "number"}
BY_KIND: dict[str, Kind] = {
    "number": "number", "seconds": "number", "share": "share", "tags": "tags", "curve": "curve",
}  # fmt: skip


def with_optional_columns(rows: Sequence[RunRow], columns: Sequence[str]) -> list[str]:
    """Add to the usual columns what any of the runs has to show in them.

    Sweeps, tags, the machines of clusters, and what uneven sets need.
    """
    if tuple(columns) != USUAL:
        return list(columns)
    columns = with_balanced(columns, rows)
    optional = [
        ("sweep", any(row.sweep for row in rows)),
        ("tag", any(tags(row) for row in rows)),
        ("device", any(is_handed_over(row) for row in rows)),
    ]
    return [*columns[:3], *(key for key, is_used in optional if is_used), *columns[3:]]


def lines(rows: Sequence[RunRow], columns: Sequence[str], places: dict[str, int]) -> list[Line]:
    """Return a row of the list for each run; `places` has those that wait, from 1."""
    chosen = [COLUMNS[key] for key in columns]
    return [
        Line(
            id=row.id,
            label=f"#{row.number} {row.name}",
            cells=[
                link(row) if column.key == linked(columns) else cell(column, row, places)
                for column in chosen
            ],
            when=", ".join(filter(None, [f"#{row.number}", when(row)])),
        )
        for row in rows
    ]


def places(rows: Sequence[RunRow]) -> dict[str, int]:
    """Return the place in the queue of each run that waits, by its id."""
    waiting = [row for row in rows if row.state == "queued"]
    waiting.sort(key=lambda row: (row.position, row.number))
    return {row.id: place for place, row in enumerate(waiting, 1)}


def cell(column: Column, row: RunRow, places: dict[str, int]) -> Any:
    """Return what a column says of a run, as run_list.js takes it."""
    if column.key == "state":
        return state(row, places.get(row.id))
    if (write := CELLS.get(column.key)) is not None:
        return write(row)
    value = column.of(row)
    if column.kind == "tags":
        return value
    if value is None:
        return ""
    return f"{100 * value:.1f}" if column.kind == "share" else theme.plain(value)


def link(row: RunRow) -> list[dict[str, Any]]:
    """Return the number as a link."""
    return [{"text": f"#{row.number}", "run": row.number}]


def name(row: RunRow) -> dict[str, Any]:
    """Return the name as a link, with the run's color, pin, star and whether it is an example."""
    marks = [mark for mark, on in ((PINNED, row.pinned), (STARRED, row.starred)) if on]
    example = [{"text": "example", "color": "gray"}] if row.example else []
    return {"text": row.name, "run": row.number, "pen": palette.pen(row.number)[0],
            "marks": marks, "badges": example}  # fmt: skip


def state(row: RunRow, place: int | None) -> dict[str, Any]:
    """Return the state, the kind unless it is training, how far it is, and what is wrong.

    That is a damaged file, or a cluster that does not answer, whose runs stay in their state.
    """
    color, icon = theme.ICONS[row.state]
    title = STATES[row.state].title + (f", {theme.ordinal(place)}" if place else "")
    badges = [{"text": title, "color": color, "icon": icon}]
    if row.kind != TRAINING:
        badges.append({"text": KINDS[row.kind].title, "color": "violet"})
    if row.damaged:
        badges.append(DAMAGED)
    if silent := unanswered_words(cluster_of(row), [row], named=True):
        badges.append({"text": silent, "color": "orange"})
    return {"badges": badges, "note": progress(row)}


def progress(row: RunRow) -> str:
    """Say how far a running training is, where a run waits, or why one failed."""
    if waits_there(row):
        return "waits there"
    if row.state == "running" and row.kind == TRAINING and row.epochs_done:
        return f"{row.epochs_done} of {row.epochs}"
    failed = row.state == "failed" and not row.damaged
    return FAILURES[row.reason].title if failed and row.reason in list(FAILURES) else ""


def best_at(row: RunRow) -> str:
    """Say which epoch was the best, of how many."""
    if row.kind == CURVES:
        return "" if row.best_epoch is None else theme.plain(row.best_epoch)
    if row.kind != TRAINING:
        return f"rate {row.suggested_rate:g}" if row.suggested_rate else ""
    return "" if row.best_epoch is None else f"{row.best_epoch} of {row.epochs}"


def curve(row: RunRow) -> dict[str, Any] | None:
    """Return the validation accuracy by epoch as a small curve in the run's color."""
    points = [round(value, 3) for value in row.sparkline]
    if not points:
        return None
    ends = f"{100 * points[0]:.1f} to {100 * points[-1]:.1f}{NARROW}%"
    label = f"Validation accuracy by epoch, {ends}"
    return {"points": points, "pen": palette.pen(row.number)[0], "label": label}


def when(row: RunRow) -> str:
    """Say how long a run took and when it ended, or when it will be done."""
    if row.state == "running" and row.eta_seconds:
        return f"done about {theme.clock(time.time() + row.eta_seconds)}"
    took = [theme.duration(row.seconds)] if row.seconds else []
    ended = [theme.clock(row.ended_at)] if row.ended_at else []
    return ", ".join(took + ended)


def tags(row: RunRow) -> list[str]:
    """Return the tags without that of an example, which its badge shows."""
    return [tag for tag in row.tags if not (row.example and tag == EXAMPLE)]


def number_of(id_: str) -> str:
    """Return the number that an id begins with."""
    return id_.split("-", 1)[0]


CELLS: dict[str, Callable[[RunRow], Any]] = {
    "name": name,
    "epoch": best_at,
    "curve": curve,
    "note": lambda row: theme.short(row.note.split("\n", 1)[0], 60),
    "star": lambda row: "starred" if row.starred else "",
    "pin": lambda row: "pinned" if row.pinned else "",
    "tag": tags,
    "model": lambda row: row.model_title,
    "optimizer": lambda row: row.optimizer_title,
    "data": lambda row: row.data_title.rsplit("/", 1)[-1],
    "kind": lambda row: KINDS[row.kind].title,
    "time": lambda row: theme.duration(row.seconds) if row.seconds else "",
    "sweep": lambda row: number_of(row.sweep),
    "reason": lambda row: row.reason.replace("_", " "),
    "params": lambda row: "" if row.parameters is None else theme.count(row.parameters),
    "speed": lambda row: "" if not row.images_per_second else theme.count(row.images_per_second),
    "loss": lambda row: "" if row.last_train_loss is None else f"{row.last_train_loss:.3f}",
}
