"""Who is alive, proven by the kernel: file locks for liveness, identities before any signal."""

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
    """Tell whether any process holds the lock. The kernel frees it at death, however that came."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def take(path: Path, *, shared: bool = False, wait: bool = True) -> int | None:
    """Take a file lock and return its descriptor, or None if it is held and `wait` is off.

    The lock lives as long as the descriptor, so the caller keeps it.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        fcntl.flock(descriptor, kind if wait else kind | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold a file lock for the time of a `with` block, waiting for it first."""
    descriptor = take(path)
    assert descriptor is not None
    try:
        yield
    finally:
        os.close(descriptor)


def boot_id() -> str:
    """Return what tells this boot of this machine from any other."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return output_of("sysctl", "-n", "kern.boottime")


def start_mark(pid: int) -> str:
    """Return when the process started, in ticks since boot; empty if there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return output_of("ps", "-o", "lstart=", "-p", str(pid))
    # field 22, counted after the name, which may hold spaces and brackets itself
    return text.rpartition(")")[2].split()[19]


def output_of(*command: str) -> str:
    """Return what a small system command prints, for systems without /proc."""
    if platform.system() == "Linux":
        return ""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def identity(pid: int) -> dict[str, Any]:
    """Return what names a process for good; a pid alone is used again by others."""
    return {"boot": boot_id(), "pid": pid, "start": start_mark(pid)}


def is_same(known: Mapping[str, Any]) -> bool:
    """Tell whether the process that was written down is the one that has its pid now."""
    pid = known.get("pid")
    if not isinstance(pid, int) or pid <= 1 or known.get("boot") != boot_id():
        return False
    return bool(known.get("start")) and start_mark(pid) == known.get("start")


def send(known: Mapping[str, Any], which: signal.Signals, *, group: bool = False) -> bool:
    """Signal a process, or the group that it leads, if it is still the same one."""
    if not is_same(known):
        return False
    try:
        if group:
            os.killpg(known["pid"], which)
        else:
            os.kill(known["pid"], which)
    except ProcessLookupError:
        return False
    return True
