"""One attempt that the executor watches: how it is started, pressed to end, and put into words."""

import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from importlib.util import resolve_name
from pathlib import Path

from msgspec.structs import asdict

from cifar_core import device
from cifar_core.background import processes
from cifar_core.disk import lock
from cifar_core.runs.engine import halving
from cifar_core.runs.record import checkpoints, metrics
from cifar_core.runs.record.records import AttemptPlan, AttemptStart, Identity
from cifar_core.runs.record.run import Run
from cifar_core.runs.record.run_kinds import KINDS, RATE_SEARCH, TRAINING

ASK, TELL, KILL = range(3)  # the ways in which a request to end is put
SHIM = Path(__file__).with_name("shim.py")
WORKERS = {  # by kind of run, modules beside this one; importing them here would cost memory
    TRAINING: ".training_worker",
    RATE_SEARCH: ".rate_search_worker",
}


@dataclass
class Live:
    """An attempt that this executor watches."""

    run: Run
    attempt: int
    device: str
    state: str
    deaths: int
    child: "subprocess.Popen[bytes] | None" = None  # the shim, if this executor started it
    since: float = field(default_factory=time.monotonic)
    sequence: int = 0  # of the request under way
    asked: float = 0.0  # when it was first seen, on this process's own clock
    shown: str = ""  # what the status was last written for

    @property
    def folder(self) -> Path:
        """The attempt's folder."""
        return metrics.attempt_folder(self.run.path, self.attempt)


def trainer_command(run: Run, attempt: int) -> list[str]:
    """Return the command that works on an attempt."""
    worker = resolve_name(WORKERS[run.kind], __package__)
    return [sys.executable, "-m", worker, str(run.path), str(attempt)]


def how_hard(request: str, waited: float, grace: float) -> int:
    """Return how a request is put by now: ASK, TELL (SIGTERM) or KILL (SIGKILL)."""
    if request == "kill" or (request != "epoch" and waited > 2 * grace):
        return KILL
    return TELL if request != "epoch" and waited > grace else ASK


def press(force: int, trainer: Identity | None, *, again: bool) -> None:
    """Signal the trainer's process group, if it is still the one that was written down."""
    known = asdict(trainer) if trainer else {}
    if force == TELL and not again:
        lock.send(known, signal.SIGTERM, group=True)
    elif force == KILL:
        lock.send(known, signal.SIGKILL, group=True)


def words_of(run: Run, start: AttemptStart | None, attempt: int) -> dict[str, str]:
    """Return the sentence of a running attempt; the table's own for a first one."""
    if run.kind != TRAINING:
        words = {"message": KINDS[run.kind].summary, "action": "This page may be closed meanwhile."}
        return words if start else {}
    start = start or AttemptStart()
    if not start.note and attempt == 1:
        return {}
    where = f"Attempt {attempt} goes on from step {start.step:,}."
    return {"message": f"{where} {start.note}".strip()}


def has_saved(run: Run, attempt: int) -> bool:
    """Tell whether the attempt has kept what a later one goes on from."""
    if run.kind != TRAINING:  # its rows are all that it keeps
        return metrics.metrics_path(run.path, attempt).exists()
    names = [path.name for path in checkpoints.folders(run.path / "checkpoints")]
    return any(name.endswith(f"-a{attempt}") for name in names)


def launch(folder: Path) -> "subprocess.Popen[bytes]":
    """Start the shim of an attempt in a session of its own."""
    with (folder / "log.txt").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-S", "-E", str(SHIM), str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def plan_of(
    run: Run,
    attempt: int,
    place: device.Device,
    devices: list[device.Device],
    command: list[str],
) -> AttemptPlan:
    """Return what the shim and the trainer of an attempt have to know."""
    settings, before, root = run.settings, run.environment, run.store_root
    # the count of the first attempt is kept: another one gives other sums
    known = before.threads or metrics.attempt_plan(run.path, 1).threads
    threads = known or device.choose_threads(settings.get("threads", 0))
    _, reason = device.choose(settings.get("device", "auto"), [place, *devices])
    return AttemptPlan(
        command=command,
        environment=processes.trainer_environment(
            threads, deterministic=bool(settings.get("deterministic"))
        ),
        executor=processes.executor_command(root),
        executor_lock=str(processes.executor_lock(root)),
        wake=str(processes.wake_file(root)),
        slot=place.id,
        device=place.torch_name,
        device_name=place.name,
        device_reason=reason,
        threads=threads,
        micro_batch=halving.chosen(run),
        at=time.time(),
    )
