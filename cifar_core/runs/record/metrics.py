"""The rows of metrics.jsonl as one history, however often the run was interrupted.

Every attempt appends to its own file. Its start.json names the checkpoint that it started from,
and how many bytes of which attempt's rows that checkpoint covers; later rows of that attempt are
superseded. This is a rule for readers: nothing on disk is ever rewritten.

Attempts count from 1. A run that trains another one on has an attempt 0, whose rows are that run's.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

from msgspec import Struct

from cifar_core.disk import files
from cifar_core.disk.checks import Moment, Number, Text, is_a
from cifar_core.runs.record.records import AttemptPlan, AttemptStart

Row: TypeAlias = dict[str, Any]  # of any type, as in `RowShape`


class RowShape(Struct, frozen=True, kw_only=True):
    """The entries that a row of any type may have; others may be anything."""

    kind: Text = ""
    t: Moment = 0.0
    step: Number = 0
    epoch: Number | None = None
    loss: Number | None = None
    accuracy: Number | None = None
    learning_rate: Number | None = None
    grad_norm: Number | None = None
    images_per_second: Number | None = None
    train_loss: Number | None = None
    train_accuracy: Number | None = None
    val_loss: Number | None = None
    val_accuracy: Number | None = None
    val_balanced_accuracy: Number | None = None  # none in rows of earlier versions
    val_macro_f1: Number | None = None
    best: bool = False
    seconds: Number | None = None
    cpu_seconds: Number | None = None
    test_loss: Number | None = None
    test_accuracy: Number | None = None
    test_balanced_accuracy: Number | None = None
    test_macro_f1: Number | None = None
    plain_accuracy: Number | None = None
    views: Text = "plain"
    end: Text = ""
    images: Number | None = None


NEEDED = {  # the entries that a row must have, by its type
    "step": ("step",),
    "epoch": ("step", "epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy", "best"),
    "test": ("step", "test_loss", "test_accuracy", "images"),
    # of imported curves: validations, as far as the other tool measured them, and curves of its own
    "validation": ("step",),
    "curve": ("step", "name", "value"),
}


def is_like_a_row(row: Mapping[str, Any]) -> bool:
    """Return True if a row has all entries that its type needs, with values of the right types."""
    if not is_a(row, RowShape):
        return False
    return all(row.get(name) is not None for name in NEEDED.get(row.get("kind", ""), ()))


class RowRange(Struct, frozen=True):
    """The range of one attempt's rows that counts."""

    attempt: int
    end: int | None  # byte offset; None for the attempt that is still the last


class Fresh(Struct, frozen=True):
    """The rows that are new to a reader."""

    rows: list[Row]
    reset: bool  # True: earlier rows are superseded, and `rows` is the whole history


def attempt_numbers(folder: Path) -> list[int]:
    """List the numbers of the run's attempts, first to last."""
    try:
        names = [path.name for path in (folder / "attempts").iterdir()]
    except FileNotFoundError:
        return []
    return sorted(int(name) for name in names if name.isdecimal())


def attempt_folder(folder: Path, attempt: int) -> Path:
    """Return the folder of an attempt's files."""
    return folder / "attempts" / str(attempt)


def attempt_plan(folder: Path, attempt: int) -> AttemptPlan:
    """Return what the executor decided before an attempt: device, threads, images at once."""
    path = attempt_folder(folder, attempt) / "attempt.json"
    return files.read(path, AttemptPlan)


def metrics_path(folder: Path, attempt: int) -> Path:
    """Return the file that an attempt appends its rows to."""
    return attempt_folder(folder, attempt) / "metrics.jsonl"


class MetricsReader:
    """Reads only the rows that were appended since the last call."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.starts: dict[int, AttemptStart] = {}
        self.parts: list[RowRange] = []
        self.part = 0  # index of the part being read
        self.offset = 0  # bytes of it that have been read

    def poll(self) -> Fresh:
        """Return the rows since the last call, and whether earlier ones are superseded."""
        parts = self.lineage()
        reset = not self.continues(parts)
        if reset:
            self.part = self.offset = 0
        self.parts = parts
        rows: list[Row] = []
        while self.part < len(parts):
            part = parts[self.part]
            path = metrics_path(self.folder, part.attempt)
            more, self.offset = files.read_lines(path, self.offset, part.end, like=is_like_a_row)
            rows += [row if "kind" in row else {"kind": "", **row} for row in more]
            if part.end is None:
                break
            self.part, self.offset = self.part + 1, 0
        return Fresh(rows, reset)

    def continues(self, parts: list[RowRange]) -> bool:
        """Return True if all rows read so far still count."""
        if not self.parts:
            return True
        index = self.part
        if len(parts) <= index or parts[:index] != self.parts[:index]:
            return False
        part = parts[index]
        same = part.attempt == self.parts[index].attempt
        return same and (part.end is None or self.offset <= part.end)

    def lineage(self) -> list[RowRange]:
        """Return the parts that count: the last attempt's, and those of its checkpoints."""
        started = [n for n in attempt_numbers(self.folder) if self.start(n)]
        return self.lineage_of(started[-1], None) if started else []

    def lineage_of(self, attempt: int, end: int | None) -> list[RowRange]:
        """Return the parts that count up to a byte of an attempt's rows; None for all of them."""
        parts = [RowRange(attempt, end)]
        while True:
            start = self.start(parts[0].attempt) or AttemptStart()
            attempt, end = start.from_attempt, start.from_bytes
            if attempt >= parts[0].attempt or not self.start(attempt):
                return parts
            parts.insert(0, RowRange(attempt, end))

    def start(self, attempt: int) -> AttemptStart | None:
        """Return the attempt's start.json; None while it does not exist."""
        if attempt not in self.starts:
            start = files.read_if_there(
                attempt_folder(self.folder, attempt) / "start.json", AttemptStart
            )
            if not start:
                return None
            self.starts[attempt] = start
        return self.starts[attempt]
