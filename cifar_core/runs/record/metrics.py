"""The rows of metrics.jsonl as one history, however often the run was interrupted.

Every attempt appends to its own file and says in start.json from which checkpoint it started and
how many bytes of which attempt's rows that checkpoint stands for. What that attempt wrote later
is superseded. This is a rule for readers: nothing on disk is ever rewritten.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cifar_core.disk import files


@dataclass(frozen=True)
class RowRange:
    """The stretch of one attempt's rows that counts."""

    attempt: int
    end: int | None  # byte offset; None for the attempt that is still the last


@dataclass(frozen=True)
class Fresh:
    """What a reader found since it last looked."""

    rows: list[dict[str, Any]]
    reset: bool  # True: rows given earlier are superseded, and `rows` is the whole history


def attempt_numbers(folder: Path) -> list[int]:
    """List the numbers of the run's attempts, first to last."""
    try:
        names = [path.name for path in (folder / "attempts").iterdir()]
    except FileNotFoundError:
        return []
    return sorted(int(name) for name in names if name.isdecimal())


def attempt_folder(folder: Path, attempt: int) -> Path:
    """Return where an attempt keeps its files."""
    return folder / "attempts" / str(attempt)


def attempt_plan(folder: Path, attempt: int) -> dict[str, Any]:
    """Return what the executor decided before an attempt: device, threads, images at once."""
    return files.read_json(attempt_folder(folder, attempt) / "attempt.json")


def metrics_path(folder: Path, attempt: int) -> Path:
    """Return the file that an attempt appends its rows to."""
    return attempt_folder(folder, attempt) / "metrics.jsonl"


class MetricsReader:
    """Reads only what was appended since the last look."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.starts: dict[int, dict[str, Any]] = {}
        self.parts: list[RowRange] = []
        self.place = 0  # which part is being read
        self.offset = 0  # up to which byte of it

    def poll(self) -> Fresh:
        """Return the rows since the last call, and whether earlier ones are superseded."""
        parts = self.lineage()
        reset = not self.continues(parts)
        if reset:
            self.place = self.offset = 0
        self.parts = parts
        rows: list[dict[str, Any]] = []
        while self.place < len(parts):
            part = parts[self.place]
            path = metrics_path(self.folder, part.attempt)
            more, self.offset = files.read_lines(path, self.offset, part.end)
            rows += [row if "kind" in row else {"kind": "", **row} for row in more]
            if part.end is None:
                break
            self.place, self.offset = self.place + 1, 0
        return Fresh(rows, reset)

    def continues(self, parts: list[RowRange]) -> bool:
        """Tell whether all that was read so far still counts."""
        if not self.parts:
            return True
        place = self.place
        if len(parts) <= place or parts[:place] != self.parts[:place]:
            return False
        part = parts[place]
        same = part.attempt == self.parts[place].attempt
        return same and (part.end is None or self.offset <= part.end)

    def lineage(self) -> list[RowRange]:
        """Follow the last attempt back through the checkpoints that each one started from."""
        started = [n for n in attempt_numbers(self.folder) if self.start(n)]
        if not started:
            return []
        attempt, end = started[-1], None
        parts = [RowRange(attempt, None)]
        while True:
            start = self.start(attempt)
            attempt, end = start.get("from_attempt", 0), start.get("from_bytes", 0)
            if attempt not in started or attempt >= parts[0].attempt:
                return parts
            parts.insert(0, RowRange(attempt, end))

    def start(self, attempt: int) -> dict[str, Any]:
        """Return what the attempt wrote before its first row; empty while it has not."""
        if attempt not in self.starts:
            values = files.read_json(attempt_folder(self.folder, attempt) / "start.json")
            if not values:
                return {}
            self.starts[attempt] = values
        return self.starts[attempt]
