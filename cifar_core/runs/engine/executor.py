"""The one process per machine and store that works off the queue.

Started as `python -m cifar_core.runs.engine.executor STORE`. It is detached, starts on demand and
leaves when there has been nothing to do for a while.
"""

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
import traceback
from pathlib import Path

from cifar_core.background import processes
from cifar_core.background.processes import ensure_running, is_running
from cifar_core.disk import files, lock, logs
from cifar_core.errors import DiskFullError
from cifar_core.runs.engine import search_driver
from cifar_core.runs.engine.full_disk import print_patiently
from cifar_core.runs.engine.supervisor import Supervisor
from cifar_core.runs.store import retention
from cifar_core.runs.store.store import Store

__all__ = ["Service", "ensure_running", "is_running", "main"]

ONE_TOO_MANY = 73  # exit code when another executor holds the lock
IDLE_SECONDS = 600.0
LOOP_SECONDS, BUSY_SECONDS, WAKE_SECONDS = 1.0, 0.2, 0.05
LOOK_SECONDS = 10.0  # between looks at the whole store when nobody asked for one


class Service:
    """Keeps an executor going as long as it is of use."""

    def __init__(self, store: Store, *, idle_seconds: float = IDLE_SECONDS) -> None:
        self.store, self.idle_seconds = store, idle_seconds
        self.wake = processes.wake_file(store.root)
        self.ending = False

    def serve(self) -> int:
        """Hold the store's lock and reconcile until there is nothing to do for long enough."""
        path = processes.executor_lock(self.store.root)
        while True:
            mine = lock.take(path, wait=False)
            if mine is None:
                return ONE_TOO_MANY
            seen = self.loop(mine)
            os.close(mine)
            # somebody may have found the lock held after the last look: look once more
            if self.ending or not path.exists() or self.woken() == seen:
                return 0

    def loop(self, mine: int) -> int:
        """Reconcile until idle, told to end, or without a store; return the last wake-up seen."""
        supervisor = Supervisor(self.store)
        seen, looked, used, searching = -1, -LOOK_SECONDS, time.monotonic(), False
        while not self.ending and self.holds(mine):
            woken, now = self.woken(), time.monotonic()
            look = woken != seen or now - looked > LOOK_SECONDS
            if look:
                seen, looked = woken, now
                self.show_itself()
                self.keep_in_bounds(supervisor)
            before = len(supervisor.live)
            busy = attempted(supervisor, look)
            searching = searched(self.store.root) if look else searching
            if len(supervisor.live) < before:  # a device has become free
                busy, looked = True, -LOOK_SECONDS
            if supervisor.live or busy or searching:
                used = now
            if now - used > self.idle_seconds:
                break
            self.sleep(BUSY_SECONDS if busy else LOOP_SECONDS, seen)
        return seen

    def keep_in_bounds(self, supervisor: Supervisor) -> None:
        """Cut long logs now, free what else nobody needs once a day; what fails now waits."""
        try:
            logs.shorten(self.store.root / "executor.log")
            for live in supervisor.live.values():  # a trainer may print without end
                logs.shorten(live.folder / "log.txt")
            retention.tidy_daily(self.store)
        except OSError:
            traceback.print_exc()

    def show_itself(self) -> None:
        """Write down who this is, for whoever wants to end it, unless that stands there."""
        path, me = self.store.root / "executor.json", lock.identity(os.getpid())
        with contextlib.suppress(DiskFullError):
            if files.read_json(path) != me:
                files.write_json(path, me)

    def holds(self, mine: int) -> bool:
        """Tell whether the lock file is still the one that was locked: the store may be gone."""
        try:
            path = processes.executor_lock(self.store.root)
            return path.stat().st_ino == os.fstat(mine).st_ino
        except FileNotFoundError:
            return False

    def woken(self) -> int:
        """Return when somebody last asked for attention."""
        try:
            return self.wake.stat().st_mtime_ns
        except FileNotFoundError:
            return 0

    def sleep(self, seconds: float, seen: int) -> None:
        """Wait so long, or until somebody asks for attention."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and self.woken() == seen and not self.ending:
            time.sleep(WAKE_SECONDS)


def attempted(supervisor: Supervisor, look: bool) -> bool:
    """Reconcile once; what the disk refuses now is tried again on the next round."""
    try:
        return supervisor.step(look=look)
    except (OSError, sqlite3.DatabaseError):
        traceback.print_exc()
        return False


def searched(root: Path) -> bool:
    """See to it that every active search is driven; tell whether there is one."""
    try:
        return search_driver.look_after(root)
    except (OSError, subprocess.CalledProcessError):
        traceback.print_exc()
        return False


def main(root: Path) -> int:
    """Detach from whoever started this, and serve the store."""
    if os.fork():
        os._exit(0)  # whoever started this has waited for it, and owns no process now
    print_patiently()
    service = Service(Store(root))

    def end(*_: object) -> None:
        service.ending = True

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    return service.serve()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
