"""What the fault tests share: a run of seconds, trained here or in processes, and its outcome."""

from cifar_core.config import TrainConfig
from cifar_core.runs import checkpoints, files, metrics
from cifar_core.runs.worker import Worker

SETTINGS = {
    "data": "synthetic:200",
    "val_fraction": 0.2,
    "epochs": 6,
    "batch_size": 16,
    "learning_rate": 0.02,
    "threads": 1,
    "device": "cpu",
}
TIMES = ("t", "seconds", "cpu_seconds", "images_per_second")


def new_run(store, **changes):
    return store.create(TrainConfig(**{**SETTINGS, **changes}))


def attempt(run, number):
    """Do what the executor does before an attempt, and return its worker."""
    folder = metrics.attempt_folder(run.path, number)
    folder.mkdir(parents=True)
    (folder / "lock").touch()
    plan = {"device": "cpu", "device_name": "a CPU", "device_reason": "A CPU.", "threads": 1}
    files.write_json(folder / "attempt.json", plan)
    return Worker(run, number)


def trained_here(store, **changes):
    """Train a run that nobody disturbs, and return it."""
    run = new_run(store, **changes)
    assert attempt(run, 1).work().outcome == "finished"
    return run


def timeless(rows):
    return [{k: v for k, v in row.items() if k not in TIMES} for row in rows]


def outcome(run):
    """Return what must not depend on any fault: every row, and the weights."""
    names = ("best", "last")
    weights = [checkpoints.sha256_of(run.checkpoint(n).path / checkpoints.MODEL) for n in names]
    return timeless(run.metrics()), weights
