"""Waits for one attempt's trainer and writes how it ended, with the standard library only.

Started as `python -S -E shim.py <attempt folder> [descriptor]`, in a session of its own, so that
it outlives the dashboard, the terminal and the executor. It imports nothing from this package,
which keeps it at 11 MB and lets a live run survive an upgrade of the code. attempt.json holds the
command.
"""

import contextlib
import ctypes
import fcntl
import json
import os
import platform
import resource
import select
import signal
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

STARTED_BEFORE = 73
MARK = "CIFAR_ATTEMPT"  # environment variable of all processes of an attempt: its folder
GUARD_SECONDS = 3.0
RECORD_SECONDS = 10.0


def main(folder: Path, *keep: int) -> int:
    """Run the attempt in `folder` to its end; return the exit code.

    The descriptors in `keep` hold its device as long as this process or the trainer lives.
    """
    adopt_orphans()
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    fcntl.flock(lock, fcntl.LOCK_SH)  # held until the attempt's last process is gone
    if (folder / "shim.json").exists():  # a second start, or the executor gave up this one
        return STARTED_BEFORE
    plan = json.loads((folder / "attempt.json").read_text(encoding="utf-8"))
    record: dict[str, Any] = {"shim": identity(os.getpid()), "ended": None}
    kills_before = oom_kills()
    with (folder / "log.txt").open(
        "ab", buffering=0
    ) as log:  # never a pipe, which blocks when full
        try:
            trainer = subprocess.Popen(
                plan["command"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(lock, *keep),
                process_group=0,
                env={**os.environ, **plan["environment"], MARK: str(folder)},
            )
        except OSError as error:
            ended = {"code": None, "signal": None, "error": str(error), "at": time.time()}
            write(folder / "shim.json", {**record, "ended": ended})
            return 1
    record["trainer"] = identity(trainer.pid)
    pass_on_signals(trainer)
    wait(trainer, plan, folder / "shim.json", record)
    orphans = kill_descendants(folder)
    code = trainer.returncode
    usage = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    ended = {
        "code": code if code >= 0 else None,
        "signal": -code if code < 0 else None,
        "oom_kills": oom_kills() - kills_before,
        "peak_megabytes": usage / (1024 if platform.system() == "Linux" else 1024**2),
        "orphans": orphans,
        "at": time.time(),
    }
    write_in_time(folder / "shim.json", {**record, "ended": ended})
    start_executor(plan)
    with contextlib.suppress(OSError):  # the store may be gone
        Path(plan["wake"]).touch()  # so that the executor notices at once
    return 0


def adopt_orphans() -> None:
    """Become the parent of any grandchild whose parent dies, so that no process is left behind."""
    if platform.system() == "Linux":
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER


def write(path: Path, values: dict[str, Any]) -> None:
    """Replace a JSON file durably in one move, with a checksum as in files.py."""
    head = json.dumps(values, indent=1)[:-1].rstrip()
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with draft.open("w", encoding="utf-8") as file:
        file.write(f'{head},\n "check": "{zlib.crc32(head.encode()):08x}"\n}}\n')
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def was_written(path: Path, values: dict[str, Any]) -> bool:
    """Write a record; return False if the disk refuses, which must not end this process."""
    try:
        write(path, values)
    except OSError:
        return False
    return True


def write_in_time(path: Path, values: dict[str, Any]) -> None:
    """Write a record as soon as the disk accepts it, but do not hold the device for long."""
    deadline = time.monotonic() + RECORD_SECONDS
    while not was_written(path, values) and time.monotonic() < deadline:
        time.sleep(0.2)


def identity(pid: int) -> dict[str, Any]:
    """Return what identifies a process for good, as lock.identity does."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return {"boot": boot, "pid": pid, "start": stat_fields(pid)[19]}
    except OSError:
        return {
            "boot": output_of("sysctl", "-n", "kern.boottime"),
            "pid": pid,
            "start": output_of("ps", "-o", "lstart=", "-p", str(pid)),
        }


def stat_fields(pid: int) -> list[str]:
    """Return the fields of /proc/<pid>/stat, from the third on."""
    text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    return text.rpartition(")")[2].split()


def output_of(*command: str) -> str:
    """Return the output of a small system command, for systems without /proc."""
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def oom_kills() -> int:
    """Return how many processes of this control group were killed for memory; 0 if unknown."""
    try:
        groups = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    for group in groups:
        _, controllers, path = group.split(":", 2)
        file = {
            "": Path(f"/sys/fs/cgroup{path}/memory.events"),
            "memory": Path(f"/sys/fs/cgroup/memory{path}/memory.oom_control"),
        }.get(controllers)
        try:
            words = file.read_text(encoding="utf-8").split() if file else []
        except OSError:
            continue
        if "oom_kill" in words:
            return int(words[words.index("oom_kill") + 1])
    return 0


def pass_on_signals(trainer: "subprocess.Popen[bytes]") -> None:
    """Pass signals to end on to the trainer, and stay alive to write how it ended."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    for which in (signal.SIGTERM, signal.SIGINT):
        signal.signal(which, lambda number, _: trainer.send_signal(number))


def wait(
    trainer: "subprocess.Popen[bytes]", plan: dict[str, Any], path: Path, record: dict[str, Any]
) -> None:
    """Write the trainer's identity, wait for its end, and restart the executor if it dies."""
    written = was_written(path, record)
    ends = end_watch(trainer)
    while not ends():
        start_executor(plan)
        written = written or was_written(path, record)
    trainer.wait()


def end_watch(trainer: "subprocess.Popen[bytes]") -> Callable[[], bool]:
    """Return a function that waits a few seconds; it returns True once the trainer has ended."""

    def ends() -> bool:
        try:
            trainer.wait(GUARD_SECONDS)
        except subprocess.TimeoutExpired:
            return False
        return True

    if not hasattr(os, "pidfd_open"):
        return ends
    watch = select.poll()  # unlike wait, does not wake up in between
    watch.register(os.pidfd_open(trainer.pid), select.POLLIN)
    return lambda: bool(watch.poll(GUARD_SECONDS * 1000))


def start_executor(plan: dict[str, Any]) -> None:
    """Start the executor if its lock is free; a second one ends at once."""
    try:
        descriptor = os.open(plan["executor_lock"], os.O_RDWR)
    except OSError:  # the store is gone, so no executor is needed
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    finally:
        os.close(descriptor)
    quiet = subprocess.DEVNULL
    subprocess.run(
        plan["executor"],
        stdin=quiet,
        stdout=quiet,
        stderr=quiet,
        start_new_session=True,
        check=False,
    )


def kill_descendants(folder: Path) -> int:
    """Kill the processes that the trainer of an attempt left; return their number.

    An executor that this shim has started is spared: it has a session of its own, and no mark.
    """
    killed = 0
    for _ in range(50):
        left = descendants(folder)
        if not left:
            break
        killed = max(killed, len(left))
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.02)
    return killed


def is_marked(pid: int, folder: Path) -> bool:
    """Whether a process is one of an attempt: torchrun gives each rank a session of its own."""
    try:
        variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False
    return os.fsencode(f"{MARK}={folder}") in variables


def descendants(folder: Path) -> list[int]:
    """List the living processes below this one, in its session or with the attempt's mark."""
    children: dict[int, list[int]] = {}
    session = str(os.getsid(0))
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            state, parent, _, of_session = stat_fields(int(entry.name))[:4]
        except OSError:
            continue
        if state != "Z" and (of_session == session or is_marked(int(entry.name), folder)):
            children.setdefault(int(parent), []).append(int(entry.name))
    below, parents = [], [os.getpid()]
    while parents:
        living = children.get(parents.pop(), [])
        below += living
        parents += living
    return below


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *map(int, sys.argv[2:])))
