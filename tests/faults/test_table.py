"""The rest of the failure table: restarts, reused pids, silence, clocks, index, executor."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import suppress

import pytest
from run_helpers import QUICK, queued, store_without_executor, supervisor, until

from cifar_core.background import processes
from cifar_core.disk import files, lock
from cifar_core.runs import Store
from cifar_core.runs.engine.executor import ONE_TOO_MANY, Service
from cifar_core.runs.record import metrics, status


@pytest.fixture
def store(tmp_path):
    with store_without_executor(tmp_path / "store") as store:
        yield store


@pytest.fixture
def bystander():
    """Yield a process that has nothing to do with any run."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
    yield process
    assert process.poll() is None, "a foreign process was signalled"
    process.kill()
    process.wait()


def left_by(store, identity):
    """Return a run as a machine leaves it that stops at once: live by its files alone."""
    run = queued(store)
    folder = metrics.attempt_folder(run.path, 1)
    folder.mkdir(parents=True)
    (folder / "lock").touch()
    files.write_json(folder / "shim.json", {"shim": identity, "trainer": identity, "ended": None})
    status.move(run.path, ("queued",), "running", attempt=1, device="cpu")
    return run


@pytest.mark.parametrize("change", [{"boot": "another"}, {"start": "1"}])
def test_after_a_restart_runs_go_on_and_whoever_has_their_pids_is_left_alone(
    store, bystander, change
):
    run = left_by(store, {**lock.identity(bystander.pid), **change})
    chief = supervisor(store, "finish")
    until(lambda: run.status.state == "finished", chief.step)
    assert "as by a restart" in run.attempts()[0].ended
    assert [attempt.number for attempt in run.attempts()] == [1, 2]


def test_killing_a_run_of_before_a_restart_signals_nobody(store, bystander):
    run = left_by(store, {**lock.identity(bystander.pid), "boot": "another"})
    run.stop("kill")
    chief = supervisor(store, "finish")
    until(lambda: run.status.state == "stopped", chief.step)


def test_ending_the_executor_signals_nobody_who_has_its_pid(store, bystander):
    me = {**lock.identity(bystander.pid), "start": "1"}
    files.write_json(store.root / "executor.json", me)
    processes.shut_down(store.root, seconds=0.2)  # the lock is held, by this test


def test_a_stopped_process_goes_on_where_it_was(store):
    run = queued(store)
    chief = supervisor(store, "obey")
    until(lambda: run.status.state == "running", chief.step)
    trainer = files.read_json(metrics.attempt_folder(run.path, 1) / "shim.json")["trainer"]
    lock.send(trainer, signal.SIGSTOP)
    for _ in range(20):
        chief.step()
    assert run.status.state == "running"
    lock.send(trainer, signal.SIGCONT)
    run.stop("now")
    until(lambda: run.status.state == "stopped", chief.step)
    assert metrics.attempt_numbers(run.path) == [1]


def test_a_clock_set_back_an_hour_does_not_hold_up_a_request_to_stop(store, monkeypatch):
    run = queued(store)
    chief = supervisor(store, "stubborn", grace_seconds=0.3)
    until(lambda: run.status.state == "running", chief.step)
    run.stop("now")
    chief.step()
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() - 3600)
    until(lambda: run.status.state == "stopped", chief.step)


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_jumped_does_not_keep_the_executor_away(store, hours, monkeypatch):
    started = []
    wake = processes.wake_file(store.root)
    wake.touch()
    os.utime(wake, (time.time() - 3600 * hours, time.time() - 3600 * hours))
    monkeypatch.setattr(processes, "is_running", lambda _: False)
    monkeypatch.setattr(processes, "ensure_running", started.append)
    processes.look_after(store.root)
    assert started == [store.root]


def test_an_index_that_is_deleted_and_damaged_under_load_loses_nothing(store, sized):
    for _ in range(12):
        store.create(QUICK)
    known, wrong, over = {row.id for row in store.runs()}, [], threading.Event()

    def list_again():
        while not over.is_set():
            try:
                if {row.id for row in store.runs()} != known:
                    wrong.append("a run is missing")
                with suppress(sqlite3.DatabaseError):  # the executor tries again
                    store.index.leases()
            except Exception as error:
                wrong.append(repr(error))

    threads = [threading.Thread(target=list_again) for _ in range(3)]
    for thread in threads:
        thread.start()
    path = store.root / "index.db"
    for turn in range(sized(40, 400)):
        time.sleep(0.01)
        if turn % 2:
            path.unlink(missing_ok=True)
        else:
            path.write_bytes(os.urandom(5000))
    over.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    path.write_bytes(b"damaged once more")
    store.runs()
    assert store.index.lease(["cpu"], "1-x", 1)
    assert store.index.leases() == {"cpu": "1-x"}


class Watched(Service):
    """Counts how many of its kind are at work at the same moment."""

    at_once, most, guard = 0, 0, threading.Lock()

    def loop(self, mine):
        with Watched.guard:
            Watched.at_once += 1
            Watched.most = max(Watched.most, Watched.at_once)
        time.sleep(0.01)
        with Watched.guard:
            Watched.at_once -= 1
        return self.wakeups.last()


def test_of_two_executors_one_leaves_a_hundred_times(tmp_path):
    store = Store(tmp_path)
    codes = []
    for _ in range(100):
        both = threading.Barrier(2)

        def race(both=both):
            both.wait()
            codes.append(Watched(store).serve())

        pair = [threading.Thread(target=race) for _ in range(2)]
        for thread in pair:
            thread.start()
        for thread in pair:
            thread.join()
    assert set(codes) == {0, ONE_TOO_MANY}
    assert codes.count(ONE_TOO_MANY) > 50
    assert Watched.most == 1


@pytest.mark.parametrize("damage", [b"", b"{", b"\xff\x00", b'{"pid": 1}'])
def test_an_executor_whose_record_is_damaged_writes_it_again(tmp_path, damage):
    store = Store(tmp_path)
    processes.ensure_running(store.root)
    until(lambda: processes.is_running(store.root))
    path = store.root / "executor.json"
    until(lambda: files.read_json(path))
    path.write_bytes(damage)
    processes.ensure_running(store.root)  # somebody asks for something
    until(lambda: lock.is_same(files.read_json(path)))
    store.shutdown_executor()
    assert not processes.is_running(store.root)
