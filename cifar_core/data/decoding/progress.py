"""How far the decoding of a source is, for everyone who waits: pages, runs, the terminal.

The process that decodes a source replaces a small file now and then; the file counts only while
that process lives.
"""

import contextlib
import os
import time
from dataclasses import dataclass
from pathlib import Path

from msgspec import Struct

from cifar_core.background.jobs import Report
from cifar_core.data.options import folder_of
from cifar_core.disk import files, lock
from cifar_core.disk.checks import Identity, Number, Whole

NAME = "reading.json"  # in the source's folder of data/sets
EVERY = 0.5  # seconds between two writes


class ProgressFile(Struct, frozen=True, kw_only=True):
    """The entries of the file."""

    done: Whole = 0  # pictures, of all
    total: Whole = 0
    per_second: Number = 0.0  # pictures, since this process began
    process: Identity = Identity()


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How far a decoding is."""

    done: int  # pictures
    total: int  # 0 before that is known
    per_second: float = 0.0  # pictures; 0 before that is known
    ahead: int = 0  # background jobs that must end before it begins

    @property
    def seconds_left(self) -> float | None:
        """The seconds until all are decoded; None before that can be said."""
        return (self.total - self.done) / self.per_second if self.per_second else None


def reading_of(store: Path, source: str) -> Reading | None:
    """Return how far the decoding of a source is; None if no process decodes it."""
    path = folder_of(store, source) / NAME
    values = files.read_json(path, ProgressFile)
    if not values or not lock.is_same(values["process"]):
        return None
    return Reading(
        done=values["done"], total=values["total"], per_second=float(values["per_second"])
    )


class ProgressWriter:
    """Writes the file of a source; `report` is called with how much is done, and of how much."""

    def __init__(self, store: Path, source: str, also: Report) -> None:
        self._path, self._also = folder_of(store, source) / NAME, also
        self._process = lock.identity(os.getpid())
        self._start: tuple[float, int] | None = None
        self._last = 0.0

    def report(self, done: int, total: int) -> None:
        """Say how many pictures are done; the first call says how many were done before."""
        self._also(done, total)
        now = time.monotonic()
        if self._start is None:
            self._start = (now, done)
        if now - self._last < EVERY:
            return
        self._last = now
        began, before = self._start
        rate = (done - before) / (now - began) if now > began else 0.0
        values = {"done": done, "total": total, "per_second": rate, "process": self._process}
        with contextlib.suppress(OSError):  # what can be seen is not what counts
            self._path.parent.mkdir(parents=True, exist_ok=True)
            files.write_json(self._path, values, durable=False)

    def close(self) -> None:
        """Remove the file."""
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)
