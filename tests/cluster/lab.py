"""The store in which `make cluster` trains: its runs, what they did, and what must be equal."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from cifar_core.config import TrainConfig
from cifar_core.disk import files
from cifar_core.runs import Run, Store
from cifar_core.runs.record import metrics
from cifar_core.runs.record.records import ShimRecord

SETTINGS = {
    "model": "simple_cnn_dropout",
    "data": "synthetic:1000",
    "val_fraction": 0.2,
    "epochs": 8,
    "batch_size": 32,
    "ema_epochs": 0.5,
    "device": "cpu",
    "threads": 1,
    "startup": "fast_start",
    "precision": "float32",
}
LONGEST = 300.0  # seconds for anything that is waited for
BROKEN_AT = 40  # step at which a run is interrupted, after the first checkpoint
OVER = ("finished", "failed")


class Failed(Exception):  # noqa: N818 - a case has failed, the program has not
    """A case went another way than it should."""


def require(is_so: bool, words: str) -> None:
    """Fail the case with words unless something is so."""
    if not is_so:
        raise Failed(words)


@dataclass
class Lab:
    """A store, and the cluster that its runs are sent to."""

    store: Store
    cluster: object
    said: list[str] = field(default_factory=list)  # what the status of the latest run said

    def set_up(self, **changes: object) -> None:
        """Write backend.json."""
        settings = {self.cluster.key: self.cluster.settings(**changes)}
        files.write_json(self.store.root / "backend.json", settings)

    def submit(self, name: str, **settings: object) -> Run:
        """Send a run to the cluster."""
        values = {**SETTINGS, "run_on": self.cluster.key, **settings}
        run = self.store.create(TrainConfig.from_dict(values), name=name)
        self.said = []
        self.store.submit(run)
        return run

    def until(self, run: Run, condition: Callable[[], bool], what: str, seconds: float = LONGEST):
        """Wait for something; return how long it took, in seconds. Failed if it takes too long."""
        begun = time.monotonic()
        while not condition():
            now = run.status
            if condition():  # it may have become so together with the run's end
                break
            words = f"{now.state}, {now.device or 'nowhere'}: {now.message}"
            if words not in self.said[-1:]:
                self.said.append(words)
            waited = time.monotonic() - begun
            require(waited < seconds, f"waited {seconds:.0f} s for {what}; it is {words}")
            require(now.state not in OVER, f"{now.state} before {what}: {now.message}")
            time.sleep(0.1)
        return time.monotonic() - begun

    def until_broken_at(self, run: Run) -> None:
        """Wait for the step at which the run is to be interrupted."""
        self.until(run, lambda: step_of(run) >= BROKEN_AT, f"step {BROKEN_AT}")

    def until_attempt(self, run: Run, number: int) -> float:
        """Wait for an attempt's trainer to have begun; return the seconds until it was planned."""
        seconds = self.until(run, lambda: run.status.attempt >= number, f"attempt {number}")
        folder = metrics.attempt_folder(run.path, number)
        self.until(run, (folder / "start.json").exists, f"the trainer of attempt {number}")
        return seconds

    def until_over(self, run: Run) -> None:
        """Wait for the run to be over."""
        self.until(run, lambda: run.status.state in OVER, "its end")

    def job(self, run: Run) -> str:
        """Return the name of the job of the run's latest attempt."""
        return metrics.attempt_plan(run.path, run.status.attempt).job


def step_of(run: Run) -> int:
    """Return the step of the run's newest row."""
    return max((int(row.get("step", 0)) for row in run.metrics()), default=0)


def processes_of(run: Run, attempt: int) -> tuple[int, int]:
    """Return the process ids of an attempt's shim and trainer."""
    path = metrics.attempt_folder(run.path, attempt) / "shim.json"
    shim = files.read(path, ShimRecord)
    require(shim.shim is not None and shim.trainer is not None, f"{path} names no processes")
    return shim.shim.pid, shim.trainer.pid


def hashes_of(run: Run) -> tuple[str, str]:
    """Return the SHA-256 of the newest checkpoint's weights, and of all else that goes on."""
    folder = run.checkpoint("last").path
    return tuple(
        hashlib.sha256((folder / name).read_bytes()).hexdigest()[:12]
        for name in ("model.safetensors", "state.safetensors")
    )
