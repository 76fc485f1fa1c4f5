"""How far a download is, so that other processes can show it.

Files in store/data: download.json (replaced atomically), download.lock (held by the process that
downloads; the kernel releases it at its death) and download.cancel (a request to stop).
"""

import os
import time
from collections import deque
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from cifar_core.disk import files, lock
from cifar_core.disk.download import KEPT, cannot_write

EVERY = 0.25  # seconds between two reports
SAMPLES = 40  # reports from which the speed is computed: ten seconds


@dataclass(frozen=True, kw_only=True)
class DownloadProgress:
    """How far a download is. `alive` is True while its process runs."""

    state: str  # "running", "finished", "failed" or "cancelled"
    done: int  # bytes
    total: int  # bytes
    bytes_per_second: float
    message: str
    pid: int  # the process that wrote it
    by: str = ""  # the name of the person who asked for it; empty if unknown
    key: str = "cifar10"  # the published set that is downloaded
    alive: bool = False


def progress(store: Path) -> DownloadProgress | None:
    """Return how far the last download of a store is, or None if there was none."""
    alive, written = is_alive(store), read(store)
    if written is not None and written.state == "running" and not alive:
        alive, written = is_alive(store), read(store)  # it may have ended or begun in between
    if written is None:
        return None
    message, state = written.message, written.state
    if state == "running" and not alive:
        state, message = "failed", f"The download ended unexpectedly. {KEPT}"
    elif state == "running" and cancel_file(store).exists():
        message = "Stopping."
    return replace(written, state=state, message=message, alive=alive)


def cancel(store: Path) -> None:
    """Ask a running download to stop, which it does at its next bytes or its timeout."""
    if is_alive(store):
        cancel_file(store).touch()


def cancel_file(store: Path) -> Path:
    """Return the file that asks to stop; unlike a signal, it cannot reach a wrong process."""
    return store / "data" / "download.cancel"


class ProgressWriter:
    """Writes how far the download is, a few times a second."""

    def __init__(self, store: Path, total: int, by: str = "", key: str = "cifar10") -> None:
        self.store, self.total, self.by, self.key, self.done = store, total, by, key, 0
        self.samples: deque[tuple[float, int]] = deque(maxlen=SAMPLES)

    def step(self, done: int, message: str = "") -> None:
        """Record how many bytes are there; `message` says what is done with them."""
        self.done, now = done, time.monotonic()
        if not self.samples or now - self.samples[-1][0] > EVERY or done == self.total:
            self.samples.append((now, done))
            words = "Verifying." if done == self.total else "Downloading."
            self.write("running", message or words)

    def write(self, state: str, message: str) -> None:
        """Replace download.json."""
        written = DownloadProgress(
            state=state,
            done=self.done,
            total=self.total,
            bytes_per_second=self.speed(),
            message=message,
            pid=os.getpid(),
            by=self.by,
            key=self.key,
        )
        path = self.store / "data" / "download.json"
        try:
            files.write_json(path, asdict(written), durable=False)
        except OSError as error:
            raise cannot_write(path, error) from error

    def speed(self) -> float:
        """Return the bytes per second of about the last ten seconds."""
        if len(self.samples) < 2:
            return 0.0
        (start, first), (end, last) = self.samples[0], self.samples[-1]
        return (last - first) / max(end - start, 1e-6)


def read(store: Path) -> DownloadProgress | None:
    """Return the last report; None if the file is missing or of another kind."""
    try:
        return DownloadProgress(**files.read_json(store / "data" / "download.json"))
    except TypeError:
        return None


def lock_file(store: Path) -> Path:
    """Return the lock file, which the process that downloads holds."""
    return store / "data" / "download.lock"


def take(store: Path) -> int | None:
    """Take the lock and return its descriptor, which holds it; None if it is taken."""
    lock_file(store).parent.mkdir(parents=True, exist_ok=True)
    for _ in range(5):  # a process that only checks it also holds it for an instant
        descriptor = lock.take(lock_file(store), wait=False)
        if descriptor is not None:
            return descriptor
        time.sleep(0.02)
    return None


def is_alive(store: Path) -> bool:
    """Return True if a process downloads to the store now."""
    return lock.is_locked(lock_file(store))
