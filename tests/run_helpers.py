"""What the tests of runs share.

A store whose processes are gone when the test is over; and a run of seconds, trained here attempt
by attempt, with what must not depend on how it was interrupted.
"""

import os
import signal
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from cifar_core.background import processes
from cifar_core.config import TrainConfig
from cifar_core.devices import Device, Inventory
from cifar_core.disk import files, lock
from cifar_core.runs import Store
from cifar_core.runs.engine.roster import Roster
from cifar_core.runs.engine.supervisor import Supervisor
from cifar_core.runs.engine.worker.training_worker import Worker
from cifar_core.runs.record import checkpoints, metrics

CHIEFS: list[Supervisor] = []  # to reap their children when the test is over
FAKE = Path(__file__).with_name("fake_trainer.py")
CPU = Device(id="cpu", name="a CPU")
QUICK = TrainConfig(data="synthetic", train_fraction=0.01, epochs=2, batch_size=8, threads=1)
SMALL = {
    "data": "synthetic:200",
    "val_fraction": 0.2,
    "epochs": 3,
    "batch_size": 16,
    "learning_rate": 0.02,
    "threads": 1,
    "device": "cpu",
}
PLACE = {"device": "cpu", "device_name": "a CPU", "threads": 1}
TIMES = ("t", "seconds", "cpu_seconds", "images_per_second")


@contextmanager
def store_without_executor(root):
    """Yield a store whose executor's lock is held here, so that nothing starts a real one."""
    root.mkdir(parents=True, exist_ok=True)
    mine = lock.take(processes.executor_lock(root))
    store = Store(root)
    try:
        yield store
    finally:
        children = [
            (live.folder, child)
            for chief in CHIEFS
            for live in chief.live.values()
            if (child := chief.backends.local.children.get(live.name))
        ]
        for folder, child in children:  # one that has only just been started shows itself first
            until(lambda f=folder, c=child: (f / "shim.json").exists() or c.poll() is not None)
        kill_all(store)
        for chief in CHIEFS:  # the shims of attempts that are over too, which end by themselves
            for child in chief.backends.local.children.values():
                child.wait()
        CHIEFS.clear()
        os.close(mine)


def kill_all(store):
    """Kill whatever still trains in the store, and wait for it."""

    def kill(path):
        shim = files.read_json(path.with_name("shim.json"))  # it may be written only now
        lock.send(shim.get("trainer", {}), signal.SIGKILL, group=True)

    for path in store.root.glob("*/*/attempts/*/lock"):
        until(lambda path=path: not lock.is_locked(path), lambda path=path: kill(path), seconds=10)


def lending(store, *devices):
    """Return a roster of devices that need no probe."""
    return Roster(store.root, Inventory(devices=list(devices)))


def supervisor(store, mode, *, devices=(CPU,), roster=None, **options):
    """Return a supervisor that starts fake trainers of a mode."""

    def command(run, attempt):
        return [sys.executable, "-S", "-E", str(FAKE), str(run.path), str(attempt), mode]

    roster = roster or lending(store, *devices)
    chief = Supervisor(store, command=command, roster=roster, **options)
    CHIEFS.append(chief)
    return chief


def until(condition, step=lambda: None, seconds=30.0):
    """Call `step` until the condition holds, and fail if it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        step()
        time.sleep(0.01)


def queued(store, **settings):
    """Return a new run that waits in the queue."""
    run = store.create(TrainConfig(**{**QUICK.to_dict(), **settings}))
    store.submit(run)
    return run


def attempt(run, number=1, make=Worker):
    """Do what the executor does before an attempt, and return its worker."""
    folder = metrics.attempt_folder(run.path, number)
    folder.mkdir(parents=True)
    (folder / "lock").touch()
    files.write_json(folder / "attempt.json", {**PLACE, "device_reason": "A CPU."})
    return make(run, number)


def timeless(rows, times=TIMES):
    """Return rows without what depends on when and how fast they were made."""
    return [{k: v for k, v in row.items() if k not in times} for row in rows]


def weights_of(run, name="last"):
    """Return what tells the weights of a checkpoint from all others."""
    return files.sha256_of(run.checkpoint(name).path / checkpoints.MODEL)


def begun(store, device):
    """Return a waiting run that has trained on a device before."""
    run = queued(store)
    (run.path / "attempts" / "1").mkdir(parents=True)
    files.write_json(run.path / "environment.json", {"device": device})
    return run


@contextmanager
def store_with_executor(root):
    """Yield a new store that a real executor may look after; afterwards nothing of it runs."""
    store = Store(root)
    store.root.mkdir()
    yield store
    for row in store.index.rows():
        store.run(row.id).stop("kill")
    store.shutdown_executor()
    kill_all(store)
    store.shutdown_executor()  # a shim may have brought it back
    assert not processes.is_running(store.root)
