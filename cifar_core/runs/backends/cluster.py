"""What clusters have in common: one question for all jobs, and jobs that are handed in later."""

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cifar_core.runs.backends.asking import Asking, NoAnswerError
from cifar_core.runs.backends.backend import Checked, Job, Submission
from cifar_core.runs.backends.settings import TITLES, ClusterSettings, problems_of

AGAIN_SECONDS = 30.0  # before a job that could not be handed in is tried again
MOST_AGAIN = 5  # of them at one look, as each may take a while
UNSEEN_SECONDS = 3.0  # from when a job is handed in until a list of jobs certainly has it
END_SECONDS = 5.0  # between two requests to end the same job in the same way


@dataclass(kw_only=True)
class Due:
    """A job that could not be handed in yet."""

    submission: Submission
    at: float  # monotonic seconds when it is tried again
    words: str


class Cluster(ABC):
    """A cluster as a Backend. The answer to one question about all jobs serves every look.

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
        self.due: dict[str, Due] = {}
        self.asked_to_end: dict[tuple[str, bool], float] = {}

    @abstractmethod
    def jobs(self) -> dict[str, Job]:
        """Return all jobs that the cluster knows, by name; called in a thread. OSError."""

    @abstractmethod
    def hand_in(self, submission: Submission) -> None:
        """Hand a job in. NoAnswerError if it should be tried again; OSError if it is refused."""

    @abstractmethod
    def ask_to_end(self, name: str, *, hard: bool) -> None:
        """Have a job signaled or canceled, whatever its state. OSError."""

    @abstractmethod
    def check(self) -> Checked:
        """Try the cluster; never raises."""

    def submit(self, submission: Submission) -> None:
        """Hand an attempt in, unless it is there already; later if the cluster does not answer."""
        if wrong := problems_of(self.settings):
            raise OSError(next(iter(wrong.values())).rstrip("."))
        try:
            known, _ = self.asking.latest()
        except NoAnswerError:
            self.postpone(submission, "")
            return
        if submission.name not in known and submission.name not in self.handed:
            self.try_to_hand_in(submission)

    def try_to_hand_in(self, submission: Submission) -> None:
        """Hand an attempt in, or plan to try it again. OSError if it is refused."""
        try:
            self.hand_in(submission)
        except NoAnswerError as error:
            self.postpone(submission, str(error))
        else:
            self.due.pop(submission.name, None)
            self.handed[submission.name] = time.monotonic()

    def postpone(self, submission: Submission, why: str) -> None:
        """Plan to hand an attempt in later."""
        words = f"{self.title} could not take it yet: {why}." if why else ""
        at = time.monotonic() + (AGAIN_SECONDS if why else 0.0)
        self.due[submission.name] = Due(submission=submission, at=at, words=words)

    def look(self, attempts: Mapping[str, Path]) -> dict[str, Job]:
        """Return how attempts are; while the cluster does not answer they are unknown."""
        self.forget_all_but(attempts)
        try:
            known, asked_at = self.asking.latest()
        except OSError as error:
            return {name: Job(found="unknown", words=f"{error}.") for name in attempts}
        refused = self.hand_in_again(known)
        return {
            name: refused.get(name) or known.get(name) or self.unlisted(name, asked_at)
            for name in attempts
        }

    def forget_all_but(self, attempts: Mapping[str, Path]) -> None:
        """Forget the attempts that are no longer asked about."""
        self.handed = {name: at for name, at in self.handed.items() if name in attempts}
        self.due = {name: due for name, due in self.due.items() if name in attempts}
        self.asked_to_end = {k: at for k, at in self.asked_to_end.items() if k[0] in attempts}

    def hand_in_again(self, known: Mapping[str, Job]) -> dict[str, Job]:
        """Hand in what is due; return those that are refused now, which is their end."""
        now, refused = time.monotonic(), dict[str, Job]()
        self.due = {name: due for name, due in self.due.items() if name not in known}
        ready = [due for due in self.due.values() if due.at <= now]
        for due in ready[:MOST_AGAIN]:
            try:
                self.try_to_hand_in(due.submission)
            except OSError as error:
                del self.due[due.submission.name]
                refused[due.submission.name] = Job(found="gone", words=f"{error}.", began=False)
        return refused

    def unlisted(self, name: str, asked_at: float) -> Job:
        """Return how an attempt is that the cluster's list does not have."""
        if due := self.due.get(name):
            return Job(found="waits", words=due.words)
        if asked_at < self.handed.get(name, asked_at - UNSEEN_SECONDS) + UNSEEN_SECONDS:
            return Job(found="waits")
        return Job(found="gone", words=f"{self.title} does not list its job any more.")

    def end(self, name: str, folder: Path, *, hard: bool) -> None:
        """Have a job end, at most every few seconds; one that is not handed in yet never is."""
        self.due.pop(name, None)
        now = time.monotonic()
        if now - self.asked_to_end.get((name, hard), -END_SECONDS) < END_SECONDS:
            return
        self.asked_to_end[name, hard] = now
        self.ask_to_end(name, hard=hard)
