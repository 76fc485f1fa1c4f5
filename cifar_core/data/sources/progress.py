"""How far a download is, for whoever looks from another process.

Files in store/data: download.json (replaced in one move), download.lock (held by whoever
downloads; the kernel frees it at death) and download.cancel (there if somebody asked to stop).
"""

import os
import time
from collections import deque
from dataclasses import asdict, dataclass
from pathlib import Path

from cifar_core.disk import files, lock
from cifar_core.disk.download import KEPT, cannot_write

EVERY = 0.25  # seconds between two reports
SAMPLES = 40  # reports that the speed is taken from: ten seconds


@dataclass(frozen=True, kw_only=True)
class DownloadProgress:
    """How far a download is. `alive` tells whether its process still lives."""

    state: str  # "running", "finished", "failed" or "cancelled"
    done: int  # bytes
    total: int  # bytes
    bytes_per_second: float
    message: str
    pid: int  # the process that wrote it
    alive: bool = False


def progress(store: Path) -> DownloadProgress | None:
    """Return how far the last download of a store is, or None if there was none."""
    alive, found = is_alive(store), read(store)
    if found is not None and found.state == "running" and not alive:
        alive, found = is_alive(store), read(store)  # it may have ended or begun in between
    if found is None:
        return None
    message, state = found.message, found.state
    if state == "running" and not alive:
        state, message = "failed", f"The download ended without a word. {KEPT}"
    elif state == "running" and cancel_file(store).exists():
        message = "Stopping."
    return DownloadProgress(**{**asdict(found), "state": state, "message": message, "alive": alive})


def cancel(store: Path) -> None:
    """Ask a running download to stop, which it does with its next bytes or its timeout."""
    if is_alive(store):
        cancel_file(store).touch()


def cancel_file(store: Path) -> Path:
    """Return the file that asks to stop: no process can be mistaken for another with it."""
    return store / "data" / "download.cancel"


class Report:
    """Writes how far the download is, a few times a second."""

    def __init__(self, store: Path, total: int) -> None:
        self.store, self.total, self.done = store, total, 0
        self.samples: deque[tuple[float, int]] = deque(maxlen=SAMPLES)

    def step(self, done: int) -> None:
        """Note how many bytes are there."""
        self.done, now = done, time.monotonic()
        if not self.samples or now - self.samples[-1][0] > EVERY or done == self.total:
            self.samples.append((now, done))
            self.write("running", "Verifying." if done == self.total else "Downloading.")

    def write(self, state: str, message: str) -> None:
        """Replace download.json."""
        found = DownloadProgress(
            state=state,
            done=self.done,
            total=self.total,
            bytes_per_second=self.speed(),
            message=message,
            pid=os.getpid(),
        )
        path = self.store / "data" / "download.json"
        try:
            files.write_json(path, asdict(found), durable=False)
        except OSError as error:
            raise cannot_write(path, error) from error

    def speed(self) -> float:
        """Return the bytes per second of about the last ten seconds."""
        if len(self.samples) < 2:
            return 0.0
        (start, first), (end, last) = self.samples[0], self.samples[-1]
        return (last - first) / max(end - start, 1e-6)


def read(store: Path) -> DownloadProgress | None:
    """Return what was written last; a file that is missing or of another kind counts as none."""
    try:
        return DownloadProgress(**files.read_json(store / "data" / "download.json"))
    except TypeError:
        return None


def lock_file(store: Path) -> Path:
    """Return the file that whoever downloads holds."""
    return store / "data" / "download.lock"


def take(store: Path) -> int | None:
    """Take the lock and return its descriptor, which holds it; None if another has it."""
    lock_file(store).parent.mkdir(parents=True, exist_ok=True)
    for _ in range(5):  # whoever only looks holds it for an instant, too
        descriptor = lock.take(lock_file(store), wait=False)
        if descriptor is not None:
            return descriptor
        time.sleep(0.02)
    return None


def is_alive(store: Path) -> bool:
    """Tell whether a process downloads to the store now."""
    return lock.is_locked(lock_file(store))
