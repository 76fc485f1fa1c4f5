"""Runs through the real executor and trainer, in the store of the check."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from torch import Tensor

from benchmarks.gpu.section import Bench
from cifar_core.config import TrainConfig
from cifar_core.disk import files
from cifar_core.runs.backends.local import Local
from cifar_core.runs.record import checkpoints, metrics
from cifar_core.runs.record.records import ShimRecord
from cifar_core.runs.record.run import Run
from cifar_core.runs.record.states import STATES
from cifar_core.runs.store.store import Store

LOOK_SECONDS = 0.05
AT_END_SECONDS = 2.0  # of a section, to say what it waits for and to end its processes


@contextmanager
def open_store(bench: Bench) -> Iterator[Store]:
    """Yield the store; afterwards its executor is gone."""
    store = Store(bench.store)
    try:
        yield store
    finally:
        end_all(store.root)


def end_all(root: Path) -> None:
    """End the executor of a store, and whatever still trains there."""
    store = Store(root)
    store.shutdown_executor()
    for row in store.index.rows():
        run = Run(root / "runs" / row.id)
        for number in metrics.attempt_numbers(run.path):
            folder = metrics.attempt_folder(run.path, number)
            if not files.read(folder / "shim.json", ShimRecord).ended:
                Local().end("", folder, hard=True)


def submit(store: Store, config: TrainConfig, name: str) -> Run:
    """Put a new run into the queue."""
    run = store.create(config, name=name)
    store.submit(run)
    return run


def wait(bench: Bench, run: Run, condition: Callable[[Run], bool]) -> None:
    """Wait for a condition on a run as long as the section lasts; TimeoutError before its end."""
    while not condition(run):
        if bench.left < AT_END_SECONDS:
            now = run.status
            raise TimeoutError(f"No time was left for run {run.id}: {now.state}. {now.message}")
        time.sleep(LOOK_SECONDS)


def is_over(run: Run) -> bool:
    """Return True if a run has ended for good."""
    return STATES[run.status.state].is_final


def trained(bench: Bench, store: Store, config: TrainConfig, name: str) -> Run:
    """Train a run to its end."""
    run = submit(store, config, name)
    wait(bench, run, is_over)
    return run


def told(run: Run) -> str:
    """Say how a run ended and how its steps were computed; print its log if it failed."""
    now, plan = run.status, run.environment.step_plan
    if now.state == "finished":
        return f"finished ({plan.sentence if plan else 'no plan'})"
    print(run.log_tail(60), flush=True)
    return f"{now.state}: {now.message}"


def numbers_of(run: Run) -> list[tuple[float, ...]]:
    """Return the numbers of a run's rows that an equal run repeats."""
    names = ("step", "loss", "accuracy", "grad_norm", "train_loss", "val_loss", "test_loss")
    return [tuple(row[name] for name in names if name in row) for row in run.metrics()]


def weights_of(run: Run) -> dict[str, Tensor]:
    """Return the weights of a run's newest checkpoint, by name."""
    newest = max(run.checkpoints(), key=lambda info: (info.step, info.attempt))
    return checkpoints.load_model(newest.path)
