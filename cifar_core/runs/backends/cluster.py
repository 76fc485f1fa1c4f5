"""What clusters have in common: one question for all jobs, and no job handed in twice."""

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path

from cifar_core.runs.backends.asking import Asking
from cifar_core.runs.backends.backend import Checked, FullError, Job, NoAnswerError, Submission
from cifar_core.runs.backends.settings import TITLES, ClusterSettings, problems_of, to_correct

UNSEEN_SECONDS = 3.0  # from when a job is handed in until a list of jobs certainly has it
HANDED_SECONDS = 600.0  # for which it is remembered that this process handed a job in


class Cluster(ABC):
    """A cluster as a Backend. The answer to one question about all jobs serves every attempt.

    `doubt_seconds` is longer than a network drive keeps the names of a folder (NFS: acdirmin,
    30 s), as the files of another machine may be seen that late.
    """

    key = ""  # of PLACES
    doubt_seconds = 35.0

    def __init__(self, settings: ClusterSettings) -> None:
        self.settings, self.slots = settings, settings.slots
        self.title = TITLES[self.key]
        self.asking: Asking[dict[str, Job]] = Asking(self.jobs)
        self.handed: dict[str, float] = {}  # when this process handed a job in, monotonic seconds

    @abstractmethod
    def jobs(self) -> dict[str, Job]:
        """Return all jobs that the cluster knows, by name; called in a thread. OSError."""

    @abstractmethod
    def hand_in(self, submission: Submission) -> None:
        """Hand a job in; the errors are those of `submit`."""

    @abstractmethod
    def ask_to_end(self, name: str, *, hard: bool) -> None:
        """Have a job signaled or canceled, whatever its state. OSError."""

    @abstractmethod
    def check(self) -> Checked:
        """Try the cluster; never raises."""

    def submit(self, submission: Submission) -> None:
        """Hand an attempt in, unless the cluster has it already."""
        if wrong := problems_of(self.settings):
            raise FullError(to_correct(self.title, wrong))
        try:
            known, _ = self.asking.latest()
        except OSError as error:  # of the cluster, and not of this attempt
            until = "answers" if isinstance(error, NoAnswerError) else "can be used"
            words = str(error).rstrip(".")
            raise FullError(f"Waiting until {self.title} {until}: {words}.") from error
        if submission.name not in known and submission.name not in self.handed:
            self.hand_in(submission)
            now = time.monotonic()
            self.handed = {n: at for n, at in self.handed.items() if now - at < HANDED_SECONDS}
            self.handed[submission.name] = now

    def look(self, attempts: Mapping[str, Path]) -> dict[str, Job]:
        """Return how attempts are; while the cluster does not answer they are unknown."""
        try:
            known, asked_at = self.asking.latest()
        except OSError as error:
            return {name: Job(found="unknown", words=f"{error}.") for name in attempts}
        return {name: known.get(name) or self.unlisted(name, asked_at) for name in attempts}

    def unlisted(self, name: str, asked_at: float) -> Job:
        """Return how an attempt is that the cluster's list does not have."""
        if name in self.handed and asked_at < self.handed[name] + UNSEEN_SECONDS:
            return Job(found="waits")
        return Job(found="gone", words=f"{self.title} does not list its job any more.")

    def end(self, name: str, folder: Path, *, hard: bool) -> None:
        """Have a job end by SIGTERM, or if `hard` by SIGKILL; cancel one that still waits."""
        self.ask_to_end(name, hard=hard)
