"""Rows and logs that survive a full disk: lines that cannot be written wait in memory."""

import io
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from threading import RLock
from typing import Any

from cifar_core.disk import files, space
from cifar_core.errors import DiskFullError

MOST_LOG = (
    1_000_000  # bytes of a log that may wait; the oldest lines beyond are dropped, and counted
)


class RowWriter:
    """Appends rows to a file. A checkpoint waits for them to be written, so none is dropped.

    One thread may add rows while another waits for them.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.waiting = b""
        self.lock = RLock()

    def add(self, values: Mapping[str, Any]) -> None:
        """Append one row, now or as soon as there is space."""
        with self.lock:
            self.waiting += files.line_of(values)
            with suppress(DiskFullError):
                self.write()

    def write(self) -> None:
        """Write all waiting rows; DiskFullError if there is no space for them."""
        with self.lock:
            if self.waiting:
                self.write_waiting()

    def write_waiting(self) -> None:
        """Write the waiting rows."""
        with (
            space.needed(len(self.waiting), self.path.parent, "the rows"),
            self.path.open("ab", buffering=0) as file,
        ):
            while self.waiting:  # a disk that fills up may take only a part
                self.waiting = self.waiting[file.write(self.waiting) :]

    def sync(self) -> None:
        """Wait until all rows are on the disk."""
        self.write()
        if self.path.exists():
            files.sync_file(self.path)

    @property
    def bytes(self) -> int:
        """The size of all rows so far, those that wait included."""
        with self.lock:
            return self.size + len(self.waiting)

    @property
    def size(self) -> int:
        """The number of bytes written."""
        return self.path.stat().st_size if self.path.exists() else 0


class BufferedLog(io.RawIOBase):
    """A log to print into: each line is written now or later, or counted as lost."""

    def __init__(self, descriptor: int, most: int = MOST_LOG, name: str = "") -> None:
        self.descriptor, self.most = descriptor, most
        self.name = name.encode()  # what each line begins with
        self.at_start = True  # of a line
        self.waiting = b""
        self.begun = False  # whether the first waiting line is written in part
        self.lost = 0  # lines dropped

    def writable(self) -> bool:
        """Return True, as a stream for writing must."""
        return True

    def fileno(self) -> int:
        """Return the descriptor, which faulthandler writes to."""
        return self.descriptor

    def write(self, data: Any) -> int:
        """Take all data, even when the disk is full."""
        self.waiting += self.named(bytes(data))
        try:
            self.drain()
        except OSError as error:
            if not space.is_full(error):
                raise
            self.drop_oldest()
        return len(data)

    def named(self, data: bytes) -> bytes:
        """Return the data with the name before each line that begins in them."""
        if not self.name or not data:
            return data
        first = self.name if self.at_start else b""
        self.at_start = data.endswith(b"\n")
        inner = data[:-1].replace(b"\n", b"\n" + self.name)
        return first + inner + data[-1:]

    def drain(self) -> None:
        """Write the waiting lines, after a note on lost ones."""
        while self.waiting:
            note = b""
            if self.lost and not self.begun:
                note = b"\n(%d lines could not be written while the disk was full.)\n" % self.lost
            written = os.write(self.descriptor, note + self.waiting)  # or it raises
            self.waiting, self.lost = (note + self.waiting)[written:], 0
            self.begun = bool(self.waiting)

    def drop_oldest(self) -> None:
        """Keep the newest lines that fit, and count the dropped ones."""
        if len(self.waiting) <= self.most:
            return
        start = self.waiting.index(b"\n", len(self.waiting) - self.most) + 1
        self.lost += self.waiting[:start].count(b"\n")
        self.waiting, self.begun = self.waiting[start:], False


def buffer_output(name: str = "") -> None:
    """Let everything that this process prints survive a full disk; each line after a name."""
    for stream_name in ("stdout", "stderr"):
        log: Any = BufferedLog(getattr(sys, stream_name).fileno(), name=name)
        stream = io.TextIOWrapper(log, "utf-8", "replace", line_buffering=True, write_through=True)
        setattr(sys, stream_name, stream)
