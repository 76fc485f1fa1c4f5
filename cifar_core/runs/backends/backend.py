"""What the executor asks of a backend: to start an attempt, to say how it is, and to end it.

Queue order, states, retries, resuming and rows stay with the executor, whatever the backend.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

Found = Literal["waits", "runs", "gone", "unknown"]


class NoAnswerError(OSError):
    """The backend did not answer, so it may have done what it was asked, or not."""


class FullError(OSError):
    """The backend takes no more attempts now, and has not started this one."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """What a backend knows about an attempt.

    `unknown` means that the backend does not answer, and never changes the state of a run.
    """

    found: Found
    node: str = ""  # the machine that it runs on, as the backend calls it
    # a sentence of the backend: its place in the queue, or why it ended; of one that runs: why it
    # will have ended, if that is known
    words: str = ""
    began: bool = True  # False if it is gone and was certainly never started


@dataclass(frozen=True, kw_only=True)
class Submission:
    """An attempt that is to be started."""

    name: str  # unique in the cluster, and the same at every call
    folder: Path  # of the attempt; attempt.json is there
    command: list[str]  # of its shim
    devices: int = 1  # how many it computes on
    keep: tuple[int, ...] = ()  # descriptors that hold devices of this machine


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What a test of a cluster showed."""

    works: bool
    sentence: str  # what answers, or what is wrong and what to do


class Backend(Protocol):
    """One way to have attempts run. Every method may be called again, by another executor too."""

    key: str  # of PLACES
    title: str
    slots: int  # attempts that are handed over at once; the others wait in the store's own queue
    doubt_seconds: float  # how long "gone" is doubted of an attempt that has not written its end

    def submit(self, submission: Submission) -> None:
        """Have an attempt started, unless that was done before.

        NoAnswerError if it may have been started or not, FullError if it is to be tried again
        later, else OSError if it is refused; each with a sentence.
        """
        ...

    def look(self, attempts: Mapping[str, Path]) -> dict[str, Job]:
        """Return how attempts are, with one question for all; never raises.

        `attempts` are the attempts' folders by name.
        """
        ...

    def end(self, name: str, folder: Path, *, hard: bool) -> None:
        """Ask an attempt to end by SIGTERM, or if `hard` by SIGKILL; cancel it if it still waits.

        OSError with a sentence.
        """
        ...
