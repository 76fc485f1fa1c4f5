"""Writes something in a thread, so that training goes on while the disk is busy."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

WRITER = ThreadPoolExecutor(1, "writer")  # one write at a time, in order


class BackgroundWrite:
    """A write that has begun. If it fails, `complete` says so and can be called again."""

    def __init__(self, write: Callable[[], None]) -> None:
        self.write = write
        self.first: Future[None] | None = WRITER.submit(write)

    @property
    def is_over(self) -> bool:
        """Whether `complete` would not have to wait."""
        return self.first is not None and self.first.done()

    def complete(self) -> None:
        """Wait until it is done; raise its error, and at another call write once more, here."""
        first, self.first = self.first, None
        if first is not None:
            first.result()
        else:
            self.write()
