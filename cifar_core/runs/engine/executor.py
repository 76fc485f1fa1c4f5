"""The one process per machine and store that works through the queue.

Started as `python -m cifar_core.runs.engine.executor STORE`. It is detached, starts on demand and
ends after a while without work.
"""

import contextlib
import os
import platform
import signal
import sqlite3
import subprocess
import sys
import time
import traceback
from pathlib import Path

from cifar_core.background import processes
from cifar_core.background.processes import ensure_running, is_running
from cifar_core.background.wakeups import Wakeups
from cifar_core.disk import files, lock, logs, space
from cifar_core.errors import DiskFullError
from cifar_core.installation import PROGRAM
from cifar_core.runs.engine import search_driver
from cifar_core.runs.engine.full_disk import buffer_output
from cifar_core.runs.engine.scan_times import ScanTimes
from cifar_core.runs.engine.supervisor import Supervisor
from cifar_core.runs.notifications import sender
from cifar_core.runs.record.signs import interval
from cifar_core.runs.store import retention
from cifar_core.runs.store.store import Store

__all__ = ["Service", "ensure_running", "is_running", "main"]

ONE_TOO_MANY = 73  # exit code when another executor holds the lock
IDLE_SECONDS = 600.0
LOOP_SECONDS, BUSY_SECONDS = 1.0, 0.2  # between rounds without a wake-up
LOOK_SECONDS = 10.0  # between looks after the store and its helpers without a wake-up


class Service:
    """Runs an executor as long as there is work."""

    def __init__(self, store: Store, *, idle_seconds: float = IDLE_SECONDS) -> None:
        self.store, self.idle_seconds = store, idle_seconds
        self.wakeups = Wakeups(processes.wake_file(store.root))
        self.ending = False
        self.identity = {**lock.identity(os.getpid()), "machine": platform.node()}

    def serve(self) -> int:
        """Hold the store's lock and reconcile until there has been no work for a while."""
        path = processes.executor_lock(self.store.root)
        while True:
            mine = lock.take(path, wait=False)
            if mine is None:
                return ONE_TOO_MANY
            if self.is_elsewhere():
                os.close(mine)
                return ONE_TOO_MANY
            with self.wakeups:
                seen = self.loop(mine)
            self.leave_identity()
            os.close(mine)
            # a request may have come between the last scan and the release: check again
            if self.ending or not path.exists() or self.wakeups.last() == seen:
                return 0

    def loop(self, mine: int) -> int:
        """Reconcile until idle, signaled to end, or without a store; return the last wake-up."""
        supervisor = Supervisor(self.store)
        scans = ScanTimes(self.store.root / "runs")
        seen, looked_at, worked_at, searching = -1, -LOOK_SECONDS, time.monotonic(), False
        while not self.ending and self.holds(mine):
            woken, now = self.wakeups.last(), time.monotonic()
            scan = woken != seen or scans.is_due(resting=supervisor.is_resting)
            look = woken != seen or now - looked_at > LOOK_SECONDS
            if look:
                seen, looked_at = woken, now
                if self.is_elsewhere():  # it started at the same moment, and its lock is not seen
                    self.ending = True
                    break
                self.write_identity()
                self.clean_up(supervisor)
            before = len(supervisor.live)
            with scans.scanning() if scan else contextlib.nullcontext():
                busy = reconciled(supervisor, scan)
            if look:  # all, so that each is started
                searching = any([searches(self.store.root), messages(self.store.root)])
            if len(supervisor.live) < before:  # a device has become free
                busy = True
                scans.hurry()
            if supervisor.live or busy or searching:
                worked_at = now
            if now - worked_at > self.idle_seconds:
                break
            self.wakeups.wait(BUSY_SECONDS if busy else LOOP_SECONDS, seen)
        supervisor.roster.close()
        return seen

    def clean_up(self, supervisor: Supervisor) -> None:
        """Shorten long logs, and tidy the store once a day; after an error, try again later."""
        try:
            logs.shorten(self.store.root / "executor.log")
            for live in supervisor.live.values():  # a trainer may print endlessly
                logs.shorten(live.folder / "log.txt")
            retention.tidy_daily(self.store)
            interval.follow(self.store.root, len(supervisor.live))
            space.keep_reserve(self.store.root)
        except OSError:
            traceback.print_exc()

    def write_identity(self) -> None:
        """Write this process's identity, by which it can be ended; touch it, as it lives."""
        path = processes.identity_file(self.store.root)
        with contextlib.suppress(DiskFullError):
            if files.read_json(path) != self.identity:
                files.write_json(path, self.identity)
        with contextlib.suppress(FileNotFoundError):
            os.utime(path)

    def leave_identity(self) -> None:
        """Let its identity say that it lives no longer, unless it is that of another one."""
        path = processes.identity_file(self.store.root)
        with contextlib.suppress(OSError):  # the store may be gone
            if files.read_json(path) == self.identity:
                os.utime(path, (0, 0))

    def is_elsewhere(self) -> bool:
        """Return True, and say so, if an executor of another machine looks after the store."""
        machine = processes.elsewhere(self.store.root)
        if machine:
            processes.say(
                f"The executor of this store runs on {machine}, and a store has only one. It "
                f"follows the requests of this machine too. To have it here instead, run "
                f"`{PROGRAM} executor end` on {machine}; one here can start at once then, or "
                f"{processes.ALIVE_SECONDS:.0f} s after {machine} has failed."
            )
        return bool(machine)

    def holds(self, mine: int) -> bool:
        """Return True if the lock file is still the one that was locked: the store may be gone."""
        try:
            path = processes.executor_lock(self.store.root)
            return path.stat().st_ino == os.fstat(mine).st_ino
        except FileNotFoundError:
            return False

    def end(self) -> None:
        """Let it end soon; a signal handler may call this."""
        self.ending = True
        self.wakeups.interrupt()


def reconciled(supervisor: Supervisor, scan: bool) -> bool:
    """Reconcile once; return True if more is about to change. A write that fails is tried again."""
    try:
        return supervisor.step(scan=scan)
    except (OSError, sqlite3.DatabaseError):
        traceback.print_exc()
        return False


def searches(root: Path) -> bool:
    """Make sure that every active search has a driver; return True if there is one."""
    try:
        return search_driver.look_after(root)
    except (OSError, subprocess.CalledProcessError):
        traceback.print_exc()
        return False


def messages(root: Path) -> bool:
    """Make sure that messages are sent; return True if any waits to be sent."""
    try:
        return sender.look_after(root)
    except (OSError, subprocess.CalledProcessError):
        traceback.print_exc()
        return False


def main(root: Path) -> int:
    """Detach from the starter, and serve the store."""
    if os.fork():
        os._exit(0)  # the starter waited for this parent, so it is left without a child process
    buffer_output()
    service = Service(Store(root))

    signal.signal(signal.SIGTERM, lambda *_: service.end())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    return service.serve()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
