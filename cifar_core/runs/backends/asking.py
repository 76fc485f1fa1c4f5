"""Asks a cluster in a thread, so that one that hangs does not hold up the runs elsewhere."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from cifar_core.runs.backends.backend import NoAnswerError

T = TypeVar("T")


@dataclass(frozen=True)
class Answer(Generic[T]):
    """What a question brought: a value, or the reason why there is none."""

    asked_at: float  # monotonic seconds
    value: T | None = None
    error: OSError | None = None


class Asking(Generic[T]):
    """A question that is repeated in a thread when the answer is wanted.

    A caller waits for a quick answer, but not for a slow one.
    """

    def __init__(
        self,
        ask: Callable[[], T],
        *,
        every: float = 1.0,  # seconds between two questions at least
        patience: float = 1.0,  # seconds that a caller waits for the answer to a new question
        lasts: float = 10.0,  # seconds for which an answer holds, if no other one comes
    ) -> None:
        self.ask, self.every, self.patience, self.lasts = ask, every, patience, lasts
        self.thread: threading.Thread | None = None
        self.last: Answer[T] | None = None

    def latest(self) -> tuple[T, float]:
        """Return a recent answer, and when it was asked for (monotonic seconds).

        Raises the question's OSError, or NoAnswerError if no answer came in time.
        """
        if self.is_due():
            self.begin().join(self.patience)
        last = self.last
        if last is None or not self.is_recent():
            raise NoAnswerError("It does not answer")
        if last.value is None:
            raise last.error or NoAnswerError("It does not answer")
        return last.value, last.asked_at

    def is_due(self) -> bool:
        """Return True if it is time to ask again, and no question is still open."""
        is_open = self.thread is not None and self.thread.is_alive()
        last = self.last
        return not is_open and (last is None or time.monotonic() - last.asked_at >= self.every)

    def is_recent(self) -> bool:
        """Return True if the last answer still holds."""
        return self.last is not None and time.monotonic() - self.last.asked_at < self.lasts

    def begin(self) -> threading.Thread:
        """Ask in a thread, which does not keep this process alive."""
        self.thread = threading.Thread(target=self.run, name="asks a cluster", daemon=True)
        self.thread.start()
        return self.thread

    def run(self) -> None:
        """Ask once, and keep the answer."""
        asked_at = time.monotonic()
        try:
            self.last = Answer(asked_at, value=self.ask())
        except OSError as error:
            self.last = Answer(asked_at, error=error)
