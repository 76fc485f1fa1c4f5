"""Ends a trainer that is no longer its run's own: the executor has concluded it, or begun another.

The executor believes a cluster that an attempt is gone, although its node may only be cut off. The
trainer there goes on; once it sees the folder again, it must not write beside a later attempt.
Until then its writes are harmless: rows, log and result are in its own attempt's folder,
checkpoints are named by attempt, and the files that all attempts share say which one wrote them.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from cifar_core.disk import files
from cifar_core.runs.record import metrics

SUPERSEDED = 76  # exit code of such a trainer; it leaves no result


class Fence:
    """Looks whether an attempt is still the one of its run; if not, ends the process."""

    def __init__(self, run: Path, attempt: int, end: Callable[[int], object] = os._exit) -> None:
        self.run, self.attempt, self.end = run, attempt, end
        self.concluded = metrics.attempt_folder(run, attempt) / "end.json"

    def check(self) -> None:
        """End the process if the executor has concluded this attempt, or begun a later one."""
        if self.concluded.exists() or self.later:
            self.leave()

    def before_writing(self, path: Path) -> None:
        """Check, also by the record of a shared file that a later attempt may have written.

        On a network drive a file that is opened is fresher than the names in a folder.
        """
        self.check()
        by = files.read_json(path).get("attempt", 0)
        if isinstance(by, int) and by > self.attempt and by in self.numbers:
            self.leave()

    def write(self, path: Path, record: Struct, *, durable: bool = True) -> None:
        """Replace a shared file, unless a later attempt has written it."""
        self.before_writing(path)
        files.write_json(path, record, durable=durable)

    @property
    def numbers(self) -> list[int]:
        """The numbers of later attempts, planned or not."""
        return [n for n in metrics.attempt_numbers(self.run) if n > self.attempt]

    @property
    def later(self) -> bool:
        """Whether a later attempt has been planned."""
        folders = [metrics.attempt_folder(self.run, n) for n in self.numbers]
        return any((folder / "attempt.json").exists() for folder in folders)

    def leave(self) -> None:
        """End the process without a word that others would read."""
        print(f"Attempt {self.attempt} is no longer the latest of its run, so it ends itself.")
        sys.stdout.flush()
        self.end(SUPERSEDED)
