"""A live attempt: how the executor starts it, makes it end, and describes it."""

import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.util import resolve_name
from pathlib import Path

from msgspec.structs import asdict

from cifar_core.background import processes
from cifar_core.devices import Device, choose_threads
from cifar_core.disk import lock
from cifar_core.disk.checks import Identity
from cifar_core.runs.engine import halving
from cifar_core.runs.record import checkpoints, metrics
from cifar_core.runs.record.records import AttemptPlan, AttemptStart
from cifar_core.runs.record.run import Run
from cifar_core.runs.record.run_kinds import KINDS, RATE_SEARCH, TRAINING

ASK, TERMINATE, KILL = range(3)  # the ways to make an attempt end, from gentle to forceful
LAST_BYTES = 4096  # of a log
SHIM = Path(__file__).with_name("shim.py")
WORKERS = {  # by kind of run, from this folder; importing them here would cost memory
    TRAINING: ".worker.training_worker",
    RATE_SEARCH: ".worker.rate_search_worker",
}


@dataclass
class LiveAttempt:
    """An attempt that this executor watches."""

    run: Run
    attempt: int
    device: str
    state: str
    deaths: int
    child: "subprocess.Popen[bytes] | None" = None  # the shim, if this executor started it
    since: float = field(default_factory=time.monotonic)
    sequence: int = 0  # of the current request
    requested_at: float = 0.0  # when it was first seen, on this process's own clock
    shown: str = ""  # the state, request and force that the status was last written for

    @property
    def folder(self) -> Path:
        """The attempt's folder."""
        return metrics.attempt_folder(self.run.path, self.attempt)


def trainer_command(run: Run, attempt: int) -> list[str]:
    """Return the command that trains an attempt."""
    worker = resolve_name(WORKERS[run.kind], __package__)
    return [sys.executable, "-m", worker, str(run.path), str(attempt)]


def force_of(request: str, waited: float, grace: float) -> int:
    """Return how forceful a request is by now: ASK, TERMINATE (SIGTERM) or KILL (SIGKILL)."""
    if request == "kill" or (request != "epoch" and waited > 2 * grace):
        return KILL
    return TERMINATE if request != "epoch" and waited > grace else ASK


def signal_trainer(force: int, trainer: Identity | None, *, again: bool) -> None:
    """Signal the trainer's process group, if it is still the recorded one."""
    process = asdict(trainer) if trainer else {}
    if force == TERMINATE and not again:
        lock.send(process, signal.SIGTERM, group=True)
    elif force == KILL:
        lock.send(process, signal.SIGKILL, group=True)


def sentence_of(run: Run, start: AttemptStart | None, attempt: int) -> dict[str, str]:
    """Return the sentence about a running attempt; empty for that of STATES."""
    if run.kind != TRAINING:
        words = {"message": KINDS[run.kind].summary, "action": "You can close this page."}
        return words if start else {}
    if start is None or (not start.note and attempt == 1):
        return {}
    origin = f"continues from step {start.step:,}" if start.checkpoint else "starts from step 0"
    return {"message": f"Attempt {attempt} {origin}. {start.note}".strip()}


def words_for(request: str, force: int, grace: float) -> dict[str, object]:
    """Return the sentence about a request, and when more force follows, after `grace` seconds."""
    words = {
        "epoch": "Stopping at the end of this epoch.",
        "now": "Stopping after saving a checkpoint.",
        "pause": "Saving a checkpoint and releasing the device.",
        "kill": "Being stopped without a checkpoint.",
    }[request]
    if request in ("now", "pause") and force:
        words = ("", "No response yet; asked again by the operating system (SIGTERM).",
                 "No response; being killed (SIGKILL).")[force]  # fmt: skip
    if force == KILL:
        return {"message": words, "action": "Wait a few seconds."}
    return {"message": words, "deadline": time.time() + grace if request != "epoch" else 0.0}


def last_words(folder: Path) -> str:
    """Return the end of an attempt's log, which a trainer that crashed could not put in order."""
    try:
        with (folder / "log.txt").open("rb") as log:
            log.seek(max(0, log.seek(0, 2) - LAST_BYTES))
            return log.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return ""


def has_saved(run: Run, attempt: int) -> bool:
    """Return True if the attempt has saved a state that a later one continues from."""
    if run.kind != TRAINING:  # its rows are its state
        return metrics.metrics_path(run.path, attempt).exists()
    names = [path.name for path in checkpoints.folders(run.path / "checkpoints")]
    return any(name.endswith(f"-a{attempt}") for name in names)


def launch(folder: Path, keep: Sequence[int] = ()) -> "subprocess.Popen[bytes]":
    """Start the shim of an attempt in a session of its own; `keep` holds the attempt's device."""
    with (folder / "log.txt").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-S", "-E", str(SHIM), str(folder), *map(str, keep)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            pass_fds=keep,
        )


def plan_of(
    run: Run,
    attempt: int,
    target: Device,
    reason: str,
    command: list[str],
) -> AttemptPlan:
    """Return the plan of an attempt, for its shim and its trainer."""
    settings, before, root = run.settings, run.environment, run.store_root
    # the first attempt's number is kept: sums depend on it
    first = before.threads or metrics.attempt_plan(run.path, 1).threads
    threads = first or choose_threads(settings.get("threads", 0))
    return AttemptPlan(
        command=command,
        environment=processes.trainer_environment(threads),
        executor=processes.executor_command(root),
        executor_lock=str(processes.executor_lock(root)),
        wake=str(processes.wake_file(root)),
        slot=target.id,
        device=target.torch_name,
        device_name=target.name,
        device_reason=reason,
        threads=threads,
        micro_batch=halving.chosen(run),
        at=time.time(),
    )
