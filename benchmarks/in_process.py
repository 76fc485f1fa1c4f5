"""Makes an attempt of a run that works in this process, with all files that a run writes."""

from pathlib import Path

from cifar_core.config import TrainConfig
from cifar_core.disk import files
from cifar_core.runs.engine.worker.training_worker import Worker
from cifar_core.runs.record import metrics
from cifar_core.runs.store.store import Store


def attempt(
    config: TrainConfig, store: Path, device: str = "cpu", worker: type[Worker] = Worker
) -> Worker:
    """Return the worker of a new run's first attempt; `work` trains from beginning to end."""
    run = Store(store).create(config)
    folder = metrics.attempt_folder(run.path, 1)
    folder.mkdir(parents=True)
    (folder / "lock").touch()
    plan = {"device": device, "device_name": "", "device_reason": f"{device}.", "threads": 1}
    files.write_json(folder / "attempt.json", plan)
    return worker(run, 1)
