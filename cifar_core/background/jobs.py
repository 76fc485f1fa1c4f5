"""Background jobs: results computed once, in a process that no page waits for, and kept as a file.

Beside the file, under its name, are a lock that the process holds as long as it lives, so that
only one process computes the result and a page sees at once when it has died; a log; and the
progress. Few work at once, and the others wait (`tickets`). This module is the program of every
job: python -m ... FUNCTION REQUEST TICKET.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

from msgspec import Struct

from cifar_core.background import processes, tickets
from cifar_core.disk import files, lock
from cifar_core.disk.checks import Text, Whole
from cifar_core.errors import CifarError


class Progress(Struct, frozen=True, kw_only=True):
    """How much of a job is done, and of how much; its file also names the process."""

    done: Whole = 0
    total: Whole = 0
    ahead: Whole = 0  # jobs that must end before it may begin
    by: Text = ""  # the name of the person who asked for it


EVERY = 0.3  # seconds between two writes of the progress
FAILED = "It ended without a result; {log} may say why."

Report = Callable[[int, int], None]  # how much is done, and of how much
Work = Callable[[dict[str, Any], Report], None]  # computes the result that a request describes


@dataclass(frozen=True, kw_only=True)
class Job:
    """One piece of work: the file of its result, the function that computes it, and its request."""

    root: Path  # the store, in which it waits for its turn
    by: str  # the name of the person who asks for it
    path: Path  # the result; it exists only when complete
    work: Work  # the function of a module that the process calls
    request: Mapping[str, Any]  # plain values; "path" is added

    @property
    def lock(self) -> Path:
        """The file that the process locks while it computes the result."""
        return beside(self.path, ".lock")

    @property
    def log(self) -> Path:
        """The output of the process; if it failed, the last line says why."""
        return beside(self.path, ".log")

    @property
    def is_done(self) -> bool:
        """Whether the result exists."""
        return self.path.exists()

    @property
    def stamp(self) -> int:
        """A number that changes whenever the result is computed; 0 if there is none."""
        return files.stamp(self.path)

    @property
    def is_running(self) -> bool:
        """Whether a process is working on it."""
        return lock.is_locked(self.lock)

    @property
    def progress(self) -> tuple[int, int]:
        """How much is done, and of how much; 0 of 0 before that is known."""
        progress = self._report
        return progress.done, progress.total

    @property
    def ahead(self) -> int:
        """How many other jobs must end before it may begin; 0 if it works."""
        return self._report.ahead

    @property
    def asker(self) -> str:
        """The name of the person who started it last; empty if unknown."""
        return self._report.by

    @property
    def _report(self) -> Progress:
        return files.read(beside(self.path, ".progress"), Progress)

    @property
    def error(self) -> str:
        """Why there is no result although it was requested; empty if nothing went wrong."""
        if self.is_done or not self.log.exists() or self.is_running:
            return ""
        if self.is_done:  # it may have ended between the two checks
            return ""
        return files.last_lines(self.log, 1).strip() or FAILED.format(log=self.log.name)

    def start(self) -> bool:
        """Start computing it in the background; False if a process is working on it already.

        The child inherits the locked descriptors, so that no lock is free in between. Raises
        BusyError if too many jobs work or wait.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = lock.take(self.lock, wait=False)
        if descriptor is None:
            return False
        try:
            ticket = tickets.take(self.root, self.by)
            try:
                self._launch(descriptor, ticket)
            finally:
                os.close(ticket.descriptor)
        finally:
            os.close(descriptor)
        return True

    def _launch(self, descriptor: int, ticket: tickets.Ticket) -> None:
        """Start the process, which inherits both locks."""
        files.write_json(beside(self.path, ".progress"), {"by": self.by}, durable=False)
        request = json.dumps({**self.request, "path": str(self.path)})
        command = [sys.executable, "-m", __name__, processes.name_of(self.work), request]
        processes.start_detached(
            [*command, str(ticket.path)],
            self.log,
            environment=processes.trainer_environment(1),
            keep=(descriptor, ticket.descriptor),
        )

    def cancel(self) -> bool:
        """Stop the process that works on it; return True if one was found."""
        process = files.read_json(beside(self.path, ".progress")).get("process", {})
        cancelled = self.is_running and lock.send(process, signal.SIGTERM)
        if cancelled:
            with self.log.open("a", encoding="utf-8") as log:
                log.write("It was canceled.\n")
        return cancelled


def beside(path: Path, ending: str) -> Path:
    """Return the path of a file that belongs to a result."""
    return path.with_name(path.name + ending)


def main(function: str, text: str, ticket: str) -> int:
    """Compute what a request describes, after detaching from the starter; return the exit code."""
    if os.fork():
        os._exit(0)
    os.nice(10)  # training and the pages go first
    request: dict[str, Any] = json.loads(text)
    path = beside(Path(request["path"]), ".progress")
    by = files.read(path, Progress).by
    tickets.wait_for_turn(Path(ticket), lambda ahead: write_progress(path, by=by, ahead=ahead))
    report = progress_report(path, by)  # not before: torch is imported only when it is its turn
    work: Work = resolve_name(function)
    try:
        work(request, report)
    except CifarError as error:
        print(str(error).replace("\n", " "), file=sys.stderr)
        return 2
    return 0


def progress_report(path: Path, by: str = "") -> Report:
    """Return a function that writes the progress to a file every EVERY seconds."""
    last = 0.0

    def report(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last >= EVERY or done == total:
            last = time.monotonic()
            write_progress(path, by=by, done=done, total=total)

    report(0, 0)
    return report


def write_progress(path: Path, **values: Any) -> None:
    """Replace the file of the progress, which also names this process."""
    process = lock.identity(os.getpid())
    files.write_json(path, {**values, "process": process}, durable=False)


def quietly(done: int, total: int) -> None:
    """Ignore the progress."""


def said(words: str, say: Callable[[str], None], every: float = 10.0) -> Report:
    """Return a function that says the progress every few seconds, such as "Reading: 5 of 60".

    The first call says nothing: what is done by then took no time.
    """
    last = -1.0

    def report(done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if total and now - last >= every:
            if last >= 0:
                say(f"{words}: {done:,} of {total:,}")
            last = now

    return report


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
