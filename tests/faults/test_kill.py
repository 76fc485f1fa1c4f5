"""Real processes, killed by -9 one after the other, as in the worst week of a shared machine."""

import os
import signal
import subprocess
import sys
import time

import pytest
from run_helpers import SMALL, attempt, store_with_executor, timeless, until, weights_of

from cifar_core.background import processes
from cifar_core.config import TrainConfig
from cifar_core.disk import files, lock
from cifar_core.runs import MetricsReader
from cifar_core.runs.engine.executor import ONE_TOO_MANY, Service
from cifar_core.runs.record import metrics

SETTINGS = {**SMALL, "epochs": 20}
# what a page does, then waits as a server does
DASHBOARD = """
import sys, time
from pathlib import Path
from cifar_core.config import TrainConfig
from cifar_core.runs import Store
store = Store(Path(sys.argv[1]))
run = store.create(TrainConfig.from_dict(eval(sys.argv[2])))
store.submit(run)
print(run.id, flush=True)
time.sleep(1000)
"""


@pytest.fixture
def store(tmp_path):
    with store_with_executor(tmp_path / "store") as store:
        yield store


def start_dashboard(store):
    """Start a run from a process group of its own, and return both."""
    dashboard = subprocess.Popen(
        [sys.executable, "-c", DASHBOARD, str(store.root), repr(SETTINGS)],
        stdout=subprocess.PIPE,
        text=True,
        process_group=0,
        cwd=processes.PACKAGE_ROOT,
    )
    run_id = dashboard.stdout.readline().strip()
    dashboard.stdout.close()
    return dashboard, store.run(run_id)


def epochs(run):
    return sum(row["kind"] == "epoch" for row in run.metrics())


def test_dashboard_executor_and_trainer_killed_in_turn_change_nothing(store):
    dashboard, run = start_dashboard(store)
    reader, seen = MetricsReader(run.path), []

    def look():
        fresh = reader.poll()
        seen[:] = fresh.rows if fresh.reset else seen + fresh.rows

    until(lambda: epochs(run) >= 2, look, seconds=120)
    os.killpg(dashboard.pid, signal.SIGKILL)
    dashboard.wait()
    before = epochs(run)
    until(lambda: epochs(run) > before, look)

    executor = files.read_json(store.root / "executor.json")
    assert lock.send(executor, signal.SIGKILL)
    until(lambda: not processes.is_running(store.root))
    before = epochs(run)
    until(lambda: epochs(run) > before, look)

    assert run.status.state == "running"
    trainer = files.read_json(metrics.attempt_folder(run.path, 1) / "shim.json")["trainer"]
    assert lock.send(trainer, signal.SIGKILL)
    until(lambda: run.status.state == "finished", look, seconds=120)
    assert [attempt.number for attempt in run.attempts()] == [1, 2]
    assert run.attempts()[1].from_step > 0
    look()

    undisturbed = store.create(TrainConfig(**SETTINGS))
    assert attempt(undisturbed).work().outcome == "finished"
    assert timeless(run.metrics()) == timeless(undisturbed.metrics())
    assert timeless(seen) == timeless(undisturbed.metrics())
    for name in ("best", "last"):
        assert weights_of(run, name) == weights_of(undisturbed, name)
    assert run.summary.history == undisturbed.summary.history
    assert store.index.leases() == {}


def test_two_processes_that_start_the_same_run_launch_it_once(store):
    run = store.create(TrainConfig(**SETTINGS))
    code = (
        "import sys; from pathlib import Path; from cifar_core.runs import Store;"
        "store = Store(Path(sys.argv[1])); store.submit(store.run(1))"
    )
    both = [
        subprocess.Popen([sys.executable, "-c", code, str(store.root)], cwd=processes.PACKAGE_ROOT)
        for _ in range(3)
    ]
    assert [process.wait(60) for process in both] == [0, 0, 0]
    until(lambda: run.status.is_live)
    time.sleep(0.5)
    assert metrics.attempt_numbers(run.path) == [1]
    run.stop("kill")
    until(lambda: run.status.state == "stopped")


def test_the_executor_leaves_when_its_store_is_gone(store):
    processes.ensure_running(store.root)
    until(lambda: processes.is_running(store.root))
    executor = files.read_json(store.root / "executor.json")
    moved = store.root.rename(store.root.with_name("moved"))
    until(lambda: not lock.is_same(executor))
    assert not store.root.exists()  # nor has it made another
    moved.rename(store.root)


def test_an_executor_that_is_told_to_end_leaves_the_training_alone(store):
    run = store.create(TrainConfig(**SETTINGS))
    store.submit(run)
    until(lambda: run.status.state == "running", seconds=120)
    store.shutdown_executor()
    trainer = files.read_json(metrics.attempt_folder(run.path, 1) / "shim.json")["trainer"]
    assert lock.is_same(trainer)
    run.stop("now")  # which starts an executor
    until(lambda: run.status.state == "stopped")
    assert run.checkpoints()


def test_a_waiting_run_is_looked_after_again_when_somebody_lists_the_runs(store):
    run = store.create(TrainConfig(**SETTINGS))
    store.submit(run)
    until(lambda: lock.send(files.read_json(store.root / "executor.json"), signal.SIGKILL))
    until(lambda: not processes.is_running(store.root))
    os.utime(processes.wake_file(store.root), (0, 0))  # nobody has asked for a while
    store.runs()
    until(lambda: processes.is_running(store.root) and run.status.is_live)


def test_an_executor_with_nothing_to_do_leaves(store):
    assert Service(store, idle_seconds=0.1).serve() == 0


def test_a_second_executor_leaves_at_once(store):
    mine = lock.take(processes.executor_lock(store.root))
    assert Service(store, idle_seconds=0.1).serve() == ONE_TOO_MANY
    os.close(mine)
