"""The processes that `make cluster` starts: it is the parent of all, so that it can end them all.

A process whose parent has ended becomes a child of this one (Linux: a subreaper), so that daemons,
jobs, shims and trainers stay below it, whatever sessions they have made.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

CALL_SECONDS = 60.0  # for a command that should take a second or two


def adopt_orphans() -> None:
    """Become the parent of every process below this one whose own parent ends."""
    if ctypes.CDLL(None).prctl(36, 1, 0, 0, 0) != 0:  # PR_SET_CHILD_SUBREAPER
        raise OSError("this system cannot adopt orphans; Linux 3.4 or later is needed")


def stat_fields(pid: int) -> list[str]:
    """Return the fields of /proc/<pid>/stat from the third on; empty if there is no such one."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()


def is_alive(pid: int) -> bool:
    """Return True if a process exists and is no zombie."""
    return stat_fields(pid)[:1] not in ([], ["Z"])


def is_pending(pid: int, which: signal.Signals) -> bool:
    """Return True if a process that is suspended will get this signal when it continues."""
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return False
    (mask,) = (line.split()[1] for line in text.splitlines() if line.startswith("ShdPnd:"))
    return bool(int(mask, 16) >> (which - 1) & 1)


def name_of(pid: int) -> str:
    """Return the name of a process; empty if there is no such one."""
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def environment_of(pid: int) -> dict[str, str]:
    """Return the environment that a process was started with; empty if it cannot be read."""
    try:
        text = Path(f"/proc/{pid}/environ").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    return dict(entry.partition("=")[::2] for entry in text.split("\0") if "=" in entry)


def parent_of(pid: int) -> int:
    """Return the parent of a process; 0 if there is no such process."""
    return int((stat_fields(pid) or ["", "0"])[1])


def below(*roots: int) -> list[int]:
    """List the living processes below these."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        fields = stat_fields(int(entry.name))
        if fields and fields[0] != "Z":
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found, parents = [], list(roots)
    while parents:
        living = children.get(parents.pop(), [])
        found += living
        parents += living
    return found


def send(pids: Iterable[int], which: signal.Signals) -> None:
    """Signal processes, those that are gone excepted."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, which)


def reap() -> None:
    """Forget adopted children that have ended."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def kill_all_below(seconds: float = 20.0) -> list[int]:
    """Kill every process below this one; return those that are left."""
    deadline = time.monotonic() + seconds
    while (left := below(os.getpid())) and time.monotonic() < deadline:
        send(left, signal.SIGKILL)
        time.sleep(0.05)
        reap()
    return left


def start(command: list[str], log: Path, environment: Mapping[str, str] | None = None) -> int:
    """Start a daemon that stays in the foreground and prints to a file; return its process id."""
    with log.open("ab") as file:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,  # a Ctrl-C is answered here alone
            env={**os.environ, **(environment or {})},
        ).pid


def call(command: list[str], *, seconds: float = CALL_SECONDS, folder: Path | None = None) -> str:
    """Run a command to its end and return what it printed. RuntimeError if it fails or hangs."""
    words = " ".join(command[:6])
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=seconds, cwd=folder, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(f"{words} has not ended after {seconds:.0f} s") from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip()[-500:]
        raise RuntimeError(f"{words} ended with {done.returncode}: {said}")
    return done.stdout
