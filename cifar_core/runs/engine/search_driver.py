"""Drives a hyperparameter search in a process of its own, one run after another."""

import contextlib
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

from cifar_core.background import processes
from cifar_core.disk import lock
from cifar_core.errors import CifarError
from cifar_core.people import ADMIN, Person
from cifar_core.runs.store import sweep_files
from cifar_core.runs.store.store import Store
from cifar_core.runs.sweeps import sweeps
from cifar_core.runs.sweeps.hyperparameter_search import SPENT, mark_ended, step

LOOK_SECONDS = 1.0


def driver_lock(root: Path, id_: str) -> Path:
    """Return the file that the one driver of a search locks."""
    return root / "sweeps" / f".{id_}.driver"


def look_after(root: Path) -> bool:
    """Start a driver for each active search that has none; return True if any is active."""
    active = [sweep for sweep in sweep_files.listed(root) if sweep.is_active]
    for sweep in active:
        if not lock.is_locked(driver_lock(root, sweep.id)):
            command = [sys.executable, "-m", __name__, str(root), sweep.id]
            processes.start_detached(command, root / "executor.log", append=True, folder=root)
    return bool(active)


def serve(root: Path, id_: str) -> int:
    """Drive a search until it is over, unless another process does already."""
    mine = lock.take(driver_lock(root, id_), wait=False)
    if mine is None:
        return 0
    store = Store(root)
    # the log names the person who asked for the search, not the account that its driver runs in
    store = replace(store, by=Person(name=asker(store, id_), role=ADMIN, is_local=True))
    try:
        while step(store, id_):
            time.sleep(LOOK_SECONDS)
        sweep = sweeps.find(store, id_)
        if sweep.is_active:
            mark_ended(store, sweep, SPENT)
    except CifarError as error:
        mark_ended(store, sweeps.find(store, id_), f"It could not continue. {error}")
    finally:
        with contextlib.suppress(OSError):
            os.close(mine)
    return 0


def asker(store: Store, id_: str) -> str:
    """Return the name of the person who started a search."""
    try:
        return sweeps.owner_of(store, sweeps.find(store, id_)) or store.by.name
    except CifarError:  # its file is damaged
        return store.by.name


if __name__ == "__main__":
    if os.fork():
        os._exit(0)  # the starter waited for this parent, so it is left without a child process
    sys.exit(serve(Path(sys.argv[1]), sys.argv[2]))
