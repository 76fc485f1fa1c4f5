"""Rows and logs that a full disk does not fail: what cannot be written waits in memory."""

import io
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from cifar_core.disk import files, space
from cifar_core.errors import DiskFullError

MOST_LOG = 1_000_000  # bytes of a log that wait; the oldest lines beyond are given up, and counted


class Rows:
    """Appends rows to a file. It has a checkpoint wait for them, so none is ever given up."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.waiting = b""

    def add(self, values: Mapping[str, Any]) -> None:
        """Append one row, now or as soon as there is room."""
        self.waiting += files.line_of(values)
        with suppress(DiskFullError):
            self.write()

    def write(self) -> None:
        """Write all that waits; DiskFullError if there is no room for it."""
        if not self.waiting:
            return
        with (
            space.needed(len(self.waiting), self.path.parent, "the rows"),
            self.path.open("ab", buffering=0) as file,
        ):
            while self.waiting:  # a disk that fills up takes a part
                self.waiting = self.waiting[file.write(self.waiting) :]

    def sync(self) -> int:
        """Wait until all rows are on the disk; return how many bytes they are."""
        self.write()
        if self.path.exists():
            files.sync_file(self.path)
        return self.size

    @property
    def size(self) -> int:
        """How many bytes are written."""
        return self.path.stat().st_size if self.path.exists() else 0


class PatientLog(io.RawIOBase):
    """A log to print into: a line is written in full, or later, or counted as lost."""

    def __init__(self, descriptor: int, most: int = MOST_LOG) -> None:
        self.descriptor, self.most = descriptor, most
        self.waiting = b""
        self.begun = False  # whether a part of what waits is written already
        self.lost = 0  # lines given up

    def writable(self) -> bool:
        """Say that this is for writing, as every stream must."""
        return True

    def fileno(self) -> int:
        """Return the descriptor, which faulthandler writes to."""
        return self.descriptor

    def write(self, data: Any) -> int:
        """Take everything, whatever the disk says."""
        self.waiting += bytes(data)
        try:
            self.drain()
        except OSError as error:
            if not space.is_full(error):
                raise
            self.give_up_oldest()
        return len(data)

    def drain(self) -> None:
        """Write what waits, after a word on what could not."""
        while self.waiting:
            note = b""
            if self.lost and not self.begun:
                note = b"\n(%d lines could not be written while the disk was full.)\n" % self.lost
            written = os.write(self.descriptor, note + self.waiting)  # or it raises
            self.waiting, self.lost = (note + self.waiting)[written:], 0
            self.begun = bool(self.waiting)

    def give_up_oldest(self) -> None:
        """Keep no more than the newest lines that fit, and count the others."""
        if len(self.waiting) <= self.most:
            return
        start = self.waiting.index(b"\n", len(self.waiting) - self.most) + 1
        self.lost += self.waiting[:start].count(b"\n")
        self.waiting, self.begun = self.waiting[start:], False


def print_patiently() -> None:
    """Have everything that this process prints survive a full disk."""
    for name in ("stdout", "stderr"):
        log: Any = PatientLog(getattr(sys, name).fileno())
        stream = io.TextIOWrapper(log, "utf-8", "replace", line_buffering=True, write_through=True)
        setattr(sys, name, stream)
