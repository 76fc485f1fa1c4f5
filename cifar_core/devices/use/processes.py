"""The processes of a run: the time that they compute, and the memory that they hold."""

import time
from collections.abc import Callable
from contextlib import suppress

import psutil

LOOK_FOR_CHILDREN = 30.0  # seconds; looking through all processes of a machine is not cheap


class Processes:
    """A process, by default this one, and its descendants, which are looked for now and then."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, *, number: int | None = None
    ) -> None:
        self.own, self.clock = psutil.Process(number), clock
        self.children: list[psutil.Process] = []
        self.looked_at = -LOOK_FOR_CHILDREN
        self.computed: dict[psutil.Process, float] = {}  # CPU seconds of each at the last look
        self.total = 0.0

    @property
    def all(self) -> list[psutil.Process]:
        """The processes as they were found last."""
        if self.clock() - self.looked_at >= LOOK_FOR_CHILDREN:
            self.looked_at = self.clock()
            with suppress(psutil.Error):
                self.children = self.own.children(recursive=True)
        return [self.own, *self.children]

    def cpu_seconds(self) -> float:
        """Return the CPU seconds of all of them so far; it never falls when one of them ends."""
        for process in self.all:
            with suppress(psutil.Error):
                times = process.cpu_times()
                computed = times.user + times.system
                self.total += computed - self.computed.get(process, computed)
                self.computed[process] = computed
        return self.total

    def memory(self) -> int:
        """Return the bytes that they hold, without pages of files, which the system can take back.

        Processes that ended since they were found count nothing.
        """
        held = 0
        for process in self.all:
            with suppress(psutil.Error):
                found = process.memory_info()
                held += found.rss - getattr(found, "shared", 0)
        return held

    @property
    def ids(self) -> set[int]:
        """The numbers of the processes."""
        return {process.pid for process in [self.own, *self.children]}
