"""Errands: what is computed once, in a process that nobody waits for, and kept as a file.

Beside the file lie, under its name, a lock that the process holds for as long as it lives, so that
the work is done once however many ask and a page sees at once when it has died; a log; and how far
it is. The module of an errand ends with `sys.exit(serve(compute, sys.argv[1]))`.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cifar_core.background import processes
from cifar_core.disk import files, lock
from cifar_core.errors import CifarError

EVERY = 0.3  # seconds between two notes of how far it is
FAILED = "It ended without a result; {log} may say why."

Report = Callable[[int, int], None]  # how much is done, and of how much


@dataclass(frozen=True, kw_only=True)
class Job:
    """One piece of work: the file it leads to, and who computes it from what."""

    path: Path  # the result; there is one if and only if it is whole
    module: str  # run as python -m MODULE REQUEST
    request: Mapping[str, Any]  # plain values

    @property
    def lock(self) -> Path:
        """The file that whoever computes the result holds."""
        return beside(self.path, ".lock")

    @property
    def log(self) -> Path:
        """What the process printed; its last line says what is wrong if it failed."""
        return beside(self.path, ".log")

    @property
    def is_done(self) -> bool:
        """Whether the result is there."""
        return self.path.exists()

    @property
    def stamp(self) -> int:
        """What changes when the result is made, or made anew; 0 if there is none."""
        return files.stamp(self.path)

    @property
    def is_due(self) -> bool:
        """Whether a process is at it."""
        return lock.is_locked(self.lock)

    @property
    def progress(self) -> tuple[int, int]:
        """How much is done, and of how much; 0 of 0 before that is known."""
        known = files.read_json(beside(self.path, ".progress"))
        return int(known.get("done", 0)), int(known.get("total", 0))

    @property
    def error(self) -> str:
        """Why there is no result although it was asked for, or nothing."""
        if self.is_done or not self.log.exists() or self.is_due:
            return ""
        if self.is_done:  # it may have ended between the two looks
            return ""
        return files.last_lines(self.log, 1).strip() or FAILED.format(log=self.log.name)

    def start(self) -> bool:
        """Have it computed in the background; False if a process is at it already.

        The child inherits the locked descriptor, so that there is no moment without the lock.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = lock.take(self.lock, wait=False)
        if descriptor is None:
            return False
        beside(self.path, ".progress").unlink(missing_ok=True)
        request = {**self.request, "path": str(self.path)}
        try:
            with self.log.open("wb") as log:
                # it forks at once and the parent ends, so that it leaves no zombie
                subprocess.run(
                    [sys.executable, "-m", self.module, json.dumps(request)],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    pass_fds=(descriptor,),
                    env={**os.environ, **processes.trainer_environment(1)},
                    check=True,
                )
        finally:
            os.close(descriptor)
        return True

    def cancel(self) -> bool:
        """End the process that is at it; tell whether there was one to be found."""
        known = files.read_json(beside(self.path, ".progress")).get("process", {})
        return self.is_due and lock.send(known, signal.SIGTERM)


def beside(path: Path, ending: str) -> Path:
    """Return the path of what belongs to a result."""
    return path.with_name(path.name + ending)


def serve(compute: Callable[[dict[str, Any], Report], None], text: str) -> int:
    """Do what a request asks for, in a process that nobody waits for; return its exit code."""
    if os.fork():
        os._exit(0)
    os.nice(10)  # training and the pages go first
    request: dict[str, Any] = json.loads(text)
    tell = teller(beside(Path(request["path"]), ".progress"))
    try:
        compute(request, tell)
    except CifarError as error:
        print(str(error).replace("\n", " "), file=sys.stderr)
        return 2
    return 0


def teller(path: Path) -> Report:
    """Return what notes down how far the work is, now and then."""
    last, process = 0.0, lock.identity(os.getpid())

    def tell(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last >= EVERY or done == total:
            last = time.monotonic()
            values = {"done": done, "total": total, "process": process}
            files.write_json(path, values, durable=False)

    tell(0, 0)
    return tell


def quietly(done: int, total: int) -> None:
    """Report nobody."""
