"""Which processes are alive: file locks prove it, and identities are checked before any signal."""

import errno
import fcntl
import os
import platform
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def is_locked(path: Path) -> bool:
    """Return True if a process holds the lock. The kernel frees it when the process dies."""
    try:
        descriptor = opened(path)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def opened(path: Path) -> int:
    """Return a descriptor of a lock file: to read and write, as network drives need, or to read."""
    try:
        return os.open(path, os.O_RDWR)
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise
    return os.open(path, os.O_RDONLY)


def take(path: Path, *, shared: bool = False, wait: bool = True) -> int | None:
    """Take a file lock and return its descriptor, or None if it is held and `wait` is off.

    The lock is held until the descriptor is closed, so the caller keeps it.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    mode = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        fcntl.flock(descriptor, mode if wait else mode | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold a file lock in a `with` block, after waiting for it."""
    descriptor = take(path)
    assert descriptor is not None
    try:
        yield
    finally:
        os.close(descriptor)


def boot_id() -> str:
    """Return an id of this boot of this machine."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return output_of("sysctl", "-n", "kern.boottime")


def start_mark(pid: int) -> str:
    """Return when a process started, in ticks since boot; empty if there is no such process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return output_of("ps", "-o", "lstart=", "-p", str(pid))
    # field 22, counted after the name, which may contain spaces and brackets itself
    return text.rpartition(")")[2].split()[19]


def output_of(*command: str) -> str:
    """Return the output of a small system command, for systems without /proc."""
    if platform.system() == "Linux":
        return ""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def identity(pid: int) -> dict[str, Any]:
    """Return what identifies a process for good; a pid alone is used again by others."""
    return {"boot": boot_id(), "pid": pid, "start": start_mark(pid)}


def is_same(process: Mapping[str, Any]) -> bool:
    """Return True if the recorded process still exists, rather than another one with its pid."""
    pid = process.get("pid")
    if not isinstance(pid, int) or pid <= 1 or process.get("boot") != boot_id():
        return False
    return bool(process.get("start")) and start_mark(pid) == process.get("start")


def send(process: Mapping[str, Any], which: signal.Signals, *, group: bool = False) -> bool:
    """Signal a recorded process, or the group that it leads, if it still exists."""
    if not is_same(process):
        return False
    try:
        if group:
            os.killpg(process["pid"], which)
        else:
            os.kill(process["pid"], which)
    except ProcessLookupError:
        return False
    return True
