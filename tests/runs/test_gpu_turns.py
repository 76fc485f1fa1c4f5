"""A GPU is used by one run, or one measurement, at a time."""

import os
from dataclasses import replace

import pytest
from run_helpers import (
    CPU,
    SMALL,
    attempt,
    kill_all,
    queued,
    store_without_executor,
    supervisor,
    until,
)

from cifar_core.background import processes
from cifar_core.config import TrainConfig
from cifar_core.devices import Device, Inventory, turns
from cifar_core.errors import BusyError
from cifar_core.runs.prepare import epoch_time, largest_batch
from cifar_core.runs.results import verify

FIRST, SECOND = Device(id="cuda:0", name="first"), Device(id="cuda:1", name="second")


@pytest.fixture
def store(tmp_path):
    with store_without_executor(tmp_path / "store") as store:
        yield store


def free(store, *devices):
    """Return which of these devices would be given now."""
    with turns.first_free(store.root, devices) as turn:
        return turn and turn.device.id


def test_the_next_free_gpu_is_given_and_none_if_all_are_in_use(store):
    with turns.measuring(store.root, [FIRST, SECOND]) as turn:
        assert turn.device == FIRST
        assert free(store, FIRST, SECOND) == "cuda:1"
        with turns.measuring(store.root, [SECOND]):
            assert free(store, FIRST, SECOND) is None
            with pytest.raises(
                BusyError, match="in use by a run or another measurement: cuda:0, cuda:1"
            ):
                turns.measuring(store.root, [FIRST, SECOND]).__enter__()
    assert free(store, FIRST, SECOND) == "cuda:0"


def test_a_gpu_is_the_same_under_another_number(store):
    card, other = (Device(id=f"cuda:{n}", name="H100", uuid=f"{n}a") for n in (1, 0))
    with turns.measuring(store.root, [card]):
        renumbered = Device(id="cuda:0", name="H100", uuid=card.uuid)
        assert free(store, renumbered) is None
        assert free(store, other) == "cuda:0"


def test_the_cpu_is_shared(store):
    with turns.measuring(store.root, [CPU]) as turn:
        assert turn.keep == ()
        assert free(store, CPU) == "cpu"


def test_a_run_takes_a_gpu_that_is_not_measured_on_and_else_waits(store):
    runs = [queued(store) for _ in range(2)]
    chief = supervisor(store, "obey", devices=[FIRST, SECOND, CPU])
    with turns.measuring(store.root, [FIRST]):
        until(lambda: runs[0].status.state == "running", chief.step)
        assert runs[0].status.device == "cuda:1"
        assert chief.step()
        assert runs[1].status.state == "queued"
        before = processes.wake_file(store.root).stat().st_mtime_ns
    assert processes.wake_file(store.root).stat().st_mtime_ns > before
    until(lambda: runs[1].status.device == "cuda:0", chief.step)


def test_a_run_keeps_its_gpu_when_the_executor_is_gone_until_its_trainer_is(store):
    run = queued(store)
    chief = supervisor(store, "obey", devices=[FIRST, CPU])
    until(lambda: run.status.state == "running", chief.step)
    child = chief.backends.local.children[chief.live[run.id].name]
    chief.live.clear()
    assert free(store, FIRST) is None
    child.kill()  # the shim: the trainer lives
    child.wait()
    assert free(store, FIRST) is None
    kill_all(store)
    until(lambda: free(store, FIRST) == "cuda:0")


@pytest.mark.parametrize("measure", [epoch_time.measure, largest_batch.measure])
def test_nothing_is_measured_on_a_gpu_in_use(store, measure, monkeypatch):
    asked = []

    def call(function, request, **options):
        asked.append((request["config"]["device"], [os.fstat(d).st_ino for d in options["keep"]]))
        assert free(store, FIRST) is None
        raise InterruptedError

    there = Inventory(devices=[FIRST, SECOND, CPU])
    monkeypatch.setattr("cifar_core.devices.current", lambda _: there)
    monkeypatch.setattr("cifar_core.background.child.call", call)
    config = TrainConfig(**{**SMALL, "device": "auto"})
    with turns.measuring(store.root, [FIRST]):
        with pytest.raises(BusyError, match="cuda:0"):
            measure(replace(config, device="cuda:0"), store.root)
        with pytest.raises(InterruptedError):
            measure(config, store.root)
    lock = turns.lock_of(store.root, SECOND)
    assert asked == [("cuda:1", [lock.stat().st_ino])]


def test_nothing_is_verified_on_a_gpu_in_use(store, monkeypatch):
    run = store.create(TrainConfig(**SMALL))
    assert attempt(run).work().outcome == "finished"
    monkeypatch.setattr(verify, "device_of", lambda _: FIRST)
    with turns.measuring(store.root, [FIRST]), pytest.raises(BusyError, match="cuda:0"):
        verify.verify(run, 1)
