"""Starts processes that outlive their starter, finds and ends the executor among them."""

import contextlib
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from cifar_core.disk import files, lock, server_clock
from cifar_core.installation import ROOT

PACKAGE_ROOT = str(ROOT)  # must be in PYTHONPATH
ALIVE_SECONDS = 60.0  # for which a touch of its identity proves that an executor lives
# glibc: keep freed memory and use huge pages, which saves page faults in every step; but give back
# blocks of 32 MiB (the most that glibc takes for this), as they leave gaps that nothing else fills
ALLOCATOR = {
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
    "THP_MEM_ALLOC_ENABLE": "1",
    "MALLOC_MMAP_THRESHOLD_": "33554432",
    "MALLOC_TRIM_THRESHOLD_": "17179869184",
    "MALLOC_TOP_PAD_": "268435456",
}


def executor_lock(root: Path) -> Path:
    """Return the file that the one executor of a store locks."""
    return root / ".executor.lock"


def wake_file(root: Path) -> Path:
    """Return the file that is touched to make the executor look for work at once."""
    return root / ".wake"


def executor_command(root: Path) -> list[str]:
    """Return the command that starts the executor of a store."""
    return [sys.executable, "-m", "cifar_core.runs.engine.executor", str(root)]


def is_running(root: Path) -> bool:
    """Return True if a store has a running executor, on this machine or another one."""
    return lock.is_locked(executor_lock(root)) or bool(elsewhere(root))


def identity_file(root: Path) -> Path:
    """Return the file that says which process a store's executor is; its time, that it lives."""
    return root / "executor.json"


def elsewhere(root: Path) -> str:
    """Return the name of another machine on which a store's executor lives; empty if none does.

    A network drive may not show the locks of other machines, so the executor touches its identity
    at every scan of the store, at least every 10 s.
    """
    path = identity_file(root)
    known = files.read_json(path)
    machine = known.get("machine")
    if not isinstance(machine, str) or machine == platform.node():
        return ""
    if known.get("boot") == lock.boot_id():  # another container of this machine: its lock is seen
        return ""
    with contextlib.suppress(FileNotFoundError):
        # a time far ahead, such as after a clock was set back, is no sign of life either
        if abs(server_clock.now(root) - path.stat().st_mtime) < ALIVE_SECONDS:
            return machine
    return ""


def say(text: str) -> None:
    """Print a line with the time into the log of this process."""
    print(f"{time.strftime('%Y-%m-%d %H:%M:%S')}  {text}", flush=True)


def look_after(root: Path) -> None:
    """Restart the executor if it has died; at most every few seconds, for pages that poll.

    In a store that this program may only read, it does nothing: its owner looks after it.
    """
    file = wake_file(root)
    with contextlib.suppress(PermissionError):
        # in either direction: the clock may have been set back since
        now = time.time()
        if not is_running(root) and (not file.exists() or abs(now - file.stat().st_mtime) > 3):
            ensure_running(root)


def ensure_running(root: Path) -> None:
    """Start the store's executor unless it is running, and make it look for work."""
    wake(root)
    if is_running(root):
        return
    start_detached(executor_command(root), root / "executor.log", append=True, folder=root)


def wake(root: Path) -> None:
    """Make the store's executor look for work at once, if it is running."""
    file = wake_file(root)
    file.touch()
    # the kernel's own timestamps are a few milliseconds apart, and two requests may be closer
    os.utime(file, ns=(time.time_ns(), time.time_ns()))


def start_detached(
    command: Sequence[str],
    log: Path,
    *,
    append: bool = False,
    environment: Mapping[str, str] | None = None,
    keep: Sequence[int] = (),
    folder: Path | None = None,
) -> None:
    """Start a process in a session of its own, which prints to a file.

    The process must fork at once and exit in the parent, which this waits for: so it is detached
    and leaves no zombie. It inherits the descriptors in `keep`, such as a lock that must never be
    free in between. Raises CalledProcessError.
    """
    with log.open("ab" if append else "wb") as file:
        subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
            pass_fds=keep,
            env={**with_package(os.environ), **(environment or {})},
            cwd=folder,
            check=True,
        )


def name_of(function: Callable[..., Any]) -> str:
    """Return the name by which `pkgutil.resolve_name` finds a function in another process."""
    return f"{function.__module__}:{function.__qualname__}"


def shut_down(root: Path, seconds: float = 10.0) -> None:
    """End the store's executor on this machine, and wait until it is gone."""
    deadline = time.monotonic() + seconds
    while lock.is_locked(executor_lock(root)) and time.monotonic() < deadline:
        # repeated, as an executor that has only just started has not written its identity yet
        lock.send(files.read_json(identity_file(root)), signal.SIGTERM)
        time.sleep(0.05)


def with_package(environment: "os._Environ[str] | dict[str, str]") -> dict[str, str]:
    """Add this program to PYTHONPATH: it may not be installed, and any folder may be current."""
    paths = [PACKAGE_ROOT, *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))]
    return {**environment, "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths))}


def trainer_environment(threads: int) -> dict[str, str]:
    """Return the environment variables that are added for a trainer; 0 threads to leave it open.

    Most are read before its first line runs. They are saved in the attempt's folder, so nothing
    else may be added: the rest of the environment may contain passwords.
    """
    own = {"OMP_WAIT_POLICY": "PASSIVE", "PYTHONUNBUFFERED": "1"}
    if threads:
        own["OMP_NUM_THREADS"] = str(threads)
    own["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"  # as drivers count; CUDA itself counts fastest first
    own["TORCH_CPP_LOG_LEVEL"] = "ERROR"  # ranks that wait for the first one say so every second
    own["KINETO_LOG_LEVEL"] = "6"  # torch's profiler prints nothing into a run's log
    own["PYTHONPATH"] = with_package(os.environ)["PYTHONPATH"]
    if platform.system() == "Linux" and platform.libc_ver()[0] == "glibc":
        own |= ALLOCATOR
    return own
