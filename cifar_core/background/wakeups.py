"""Waits for a file to be touched, without looking at it all the time."""

import contextlib
import ctypes
import os
import platform
import select
import time
from pathlib import Path
from typing import Self

LIBC = ctypes.CDLL(None) if platform.system() == "Linux" else None
LOOK_SECONDS = 0.05  # between looks at the file where the system reports no touches
ATTRIBUTES = 0x4  # IN_ATTRIB of inotify(7): the times of the file among others


class Wakeups:
    """Waits, in a `with` block, for a touch of one file or for `interrupt`.

    On Linux the kernel reports a touch by a process of this machine (inotify). A touch by another
    machine, on a network drive, is found when the wait is over. Elsewhere, and while the file is
    not there, the wait is made of short ones.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.interrupts = -1  # where `interrupt` writes to; -1: not in its `with` block

    def __enter__(self) -> Self:
        self.interrupted, self.interrupts = os.pipe()
        self.reports = open_reports()
        self.poll = select.poll()
        for descriptor in filter(is_open, (self.interrupted, self.reports)):
            os.set_blocking(descriptor, False)
            self.poll.register(descriptor, select.POLLIN)
        os.set_blocking(self.interrupts, False)
        return self

    def __exit__(self, *_: object) -> None:
        to_close, self.interrupts = (self.interrupts, self.interrupted, self.reports), -1
        for descriptor in filter(is_open, to_close):
            os.close(descriptor)

    def last(self) -> int:
        """Return when the file was last touched, in nanoseconds; 0 if it is not there."""
        try:
            return self.file.stat().st_mtime_ns
        except FileNotFoundError:
            return 0

    def interrupt(self) -> None:
        """End the present wait, or else the next one; a signal handler may call this."""
        if is_open(self.interrupts):
            with contextlib.suppress(BlockingIOError):  # it is full of interrupts
                os.write(self.interrupts, b"!")

    def wait(self, seconds: float, seen: int) -> None:
        """Wait until the file has another time than `seen`, but at most for this long."""
        until = time.monotonic() + seconds
        longest = seconds if self.are_reported() else LOOK_SECONDS
        while self.last() == seen and (left := until - time.monotonic()) > 0:
            ready = [descriptor for descriptor, _ in self.poll.poll(1000 * min(left, longest))]
            for descriptor in ready:
                os.read(descriptor, 4096)
            if self.interrupted in ready:
                return

    def are_reported(self) -> bool:
        """Return True if touches of the file are reported from now on; asking twice is harmless."""
        if LIBC is None or not is_open(self.reports):
            return False
        return bool(LIBC.inotify_add_watch(self.reports, os.fsencode(self.file), ATTRIBUTES) >= 0)


def is_open(descriptor: int) -> bool:
    """Return True for a number that is a descriptor."""
    return descriptor >= 0


def open_reports() -> int:
    """Return a descriptor on which Linux reports what happens to files; -1 where there is none."""
    # each user has a limited number of them
    return -1 if LIBC is None else int(LIBC.inotify_init1(os.O_CLOEXEC))
