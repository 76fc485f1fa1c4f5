"""Runs attempts on this machine, as child processes that outlive the executor."""

import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from msgspec.structs import asdict

from cifar_core.disk import files, lock
from cifar_core.runs.backends.backend import Job, Submission
from cifar_core.runs.record.records import ShimRecord

LOCAL = "local"  # a key of PLACES
ADOPTED_SECONDS = 5.0  # for a shim to take its lock when the executor that started it is gone


class Local:
    """This machine. Its locks are certain, so that nothing is unknown or doubted."""

    key, title, doubt_seconds = LOCAL, "This machine", 0.0
    slots = 0  # as many as there are devices

    def __init__(self, *, start_seconds: float = 60.0) -> None:
        self.start_seconds = start_seconds  # for a shim to take its lock
        self.children: dict[str, subprocess.Popen[bytes]] = {}  # shims that this process started
        self.since: dict[str, float] = {}  # when an attempt was first asked about or started

    def submit(self, submission: Submission) -> None:
        """Start the shim of an attempt in a session of its own."""
        self.since[submission.name] = time.monotonic()
        with (submission.folder / "log.txt").open("ab") as log:
            self.children[submission.name] = subprocess.Popen(
                [*submission.command, *map(str, submission.keep)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=submission.keep,
            )

    def look(self, attempts: Mapping[str, Path]) -> dict[str, Job]:
        """Return how attempts are, by their locks."""
        self.children = {name: c for name, c in self.children.items() if c.poll() is None}
        now = time.monotonic()
        self.since = {name: self.since.get(name, now) for name in attempts}
        return {name: self.job(name, folder) for name, folder in attempts.items()}

    def job(self, name: str, folder: Path) -> Job:
        """Return how one attempt is. A shim that began holds its lock to the end."""
        if lock.is_locked(folder / "lock"):
            return Job(found="runs")
        if (folder / "shim.json").exists():
            return Job(found="gone")
        adopted = min(ADOPTED_SECONDS, self.start_seconds)
        patience = self.start_seconds if name in self.children else adopted
        is_late = time.monotonic() - self.since[name] >= patience
        return Job(found="gone" if is_late else "waits")

    def end(self, name: str, folder: Path, *, hard: bool) -> None:
        """Signal the trainer's process group, if it is still the recorded one."""
        shim = files.read_if_there(folder / "shim.json", ShimRecord)
        trainer = asdict(shim.trainer) if shim and shim.trainer else {}
        lock.send(trainer, signal.SIGKILL if hard else signal.SIGTERM, group=True)
