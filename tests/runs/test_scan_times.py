"""When the executor goes through all runs: on request, for a new folder, and rarely at rest."""

import time

import pytest
from pages import make_run
from run_helpers import queued, store_without_executor, supervisor

from cifar_core.runs.engine import executor, scan_times
from cifar_core.runs.engine.scan_times import LONGEST_SECONDS, SCAN_SECONDS, ScanTimes
from cifar_core.runs.notifications import sender


@pytest.fixture
def store(tmp_path):
    with store_without_executor(tmp_path / "store") as made:
        yield made


@pytest.fixture
def unheld(tmp_path):
    """Return a store with a run, of which no one is the executor."""
    with store_without_executor(tmp_path / "store") as made:
        make_run(made)
    return made


@pytest.fixture
def scans(tmp_path):
    """Return the times of a store whose last scan took 0.05 CPU seconds, as with 10,000 runs."""
    times = ScanTimes(tmp_path)
    with times.scanning():
        pass
    times.took = 0.05
    return times


@pytest.mark.parametrize(
    ("after", "resting", "due"),
    [(1, False, False), (SCAN_SECONDS + 1, False, True), (SCAN_SECONDS + 1, True, False),
     (49, True, False), (51, True, True)],
)  # fmt: skip
def test_scans_are_as_rare_as_they_are_expensive_while_nothing_trains(scans, after, resting, due):
    scans.at = time.monotonic() - after
    assert scans.is_due(resting=resting) == due


def test_no_store_is_so_large_that_it_is_forgotten(scans):
    scans.took = 10.0
    scans.at = time.monotonic() - LONGEST_SECONDS - 1
    assert scans.is_due(resting=True)


def test_a_new_folder_or_a_free_device_makes_a_scan_due_at_once(scans, tmp_path):
    assert not scans.is_due(resting=True)
    (tmp_path / "7-run").mkdir()
    assert scans.is_due(resting=True)
    with scans.scanning():
        pass
    assert not scans.is_due(resting=True)
    scans.hurry()
    assert scans.is_due(resting=True)


def test_a_store_without_runs_is_scanned_like_any(tmp_path):
    times = ScanTimes(tmp_path / "runs")
    assert times.is_due(resting=True)
    with times.scanning():
        pass
    assert not times.is_due(resting=True)


def test_the_executor_does_not_rest_while_a_run_waits_or_trains(store):
    chief = supervisor(store, "obey")
    assert not chief.is_resting  # it has not looked yet
    make_run(store)
    chief.step()
    assert chief.is_resting
    store.pause_queue()
    run = queued(store)
    chief.step()
    assert not chief.is_resting  # a time to stop may come
    run.stop()
    chief.step()
    assert chief.is_resting
    short = make_run(store, state="paused", reason="disk")
    chief.step()
    assert short.status.state == "queued"
    assert not chief.is_resting


def test_an_executor_at_rest_scans_after_a_request_and_for_a_new_folder(unheld, monkeypatch):
    scanned = []
    service = executor.Service(unheld)

    def reconciled(chief, scan):
        scanned.append(scan)
        chief.has_waiting = False
        if len(scanned) == 3:
            (unheld.root / "runs" / "77-copied").mkdir()
        if len(scanned) == 5:
            executor.processes.wake(unheld.root)
        service.ending = len(scanned) == 7
        return False

    monkeypatch.setattr(executor, "reconciled", reconciled)
    monkeypatch.setattr(executor, "LOOP_SECONDS", 0.01)
    monkeypatch.setattr(scan_times, "RESTING_SHARE", 1e-9)
    service.serve()
    assert scanned == [True, False, False, True, False, True, False]


def test_helpers_are_looked_after_between_scans(unheld, monkeypatch):
    seen = {"scan": 0, "searches": 0, "messages": 0}
    service = executor.Service(unheld)

    def counted(name):
        def count(*_):
            seen[name] += 1
            return False

        return count

    def reconciled(chief, scan):
        chief.has_waiting = False
        seen["scan"] += scan
        service.ending = seen["messages"] == 3
        return False

    monkeypatch.setattr(executor, "reconciled", reconciled)
    monkeypatch.setattr(executor, "searches", counted("searches"))
    monkeypatch.setattr(executor, "messages", counted("messages"))
    monkeypatch.setattr(executor, "LOOP_SECONDS", 0.01)
    monkeypatch.setattr(executor, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(scan_times, "RESTING_SHARE", 1e-9)
    service.serve()
    assert seen["scan"] == 1
    assert seen["searches"] == seen["messages"] >= 3


@pytest.mark.parametrize(("look", "pause"), [(0.001, 5.0), (0.05, 10.0), (9.0, 60.0)])
def test_the_sender_looks_at_a_large_store_less_often(look, pause):
    assert sender.pause_after(look) == pytest.approx(pause)
