"""A run that waits can be given another device, until the moment it starts."""

from dataclasses import replace

import pytest
from run_helpers import (
    CPU,
    QUICK,
    begun,
    lending,
    queued,
    store_without_executor,
    supervisor,
    until,
)

from cifar_core import devices
from cifar_core.devices import Device, Inventory
from cifar_core.errors import AccessError, DeviceError, RunError
from cifar_core.people import OPERATOR, Person
from cifar_core.runs.engine import lending as lends
from cifar_core.runs.store.queue.device import give_device

GPUS = [Device(id="cuda:0", name="first"), Device(id="cuda:1", name="second"), CPU]


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setattr(devices, "known", lambda _: Inventory(devices=GPUS))
    with store_without_executor(tmp_path / "store") as made:
        yield made


def test_a_waiting_run_starts_on_the_device_that_it_was_given(store):
    run = queued(store, device="cuda:0")
    before = run.settings
    give_device(store, run, "cuda:1")
    assert run.settings == {**before, "device": "cuda:1"}
    assert run.config.device == "cuda:1"
    (line, *_) = run.history()
    assert (line.did, line.detail) == ("gave it a device", "cuda:1")
    chief = supervisor(store, "obey", devices=GPUS)
    until(lambda: run.status.state == "running", chief.step)
    assert run.status.device == "cuda:1"
    with pytest.raises(RunError, match=r"is running\. Only a run that waits"):
        give_device(store, run, "cuda:0")
    assert run.settings["device"] == "cuda:1"


def test_a_device_that_is_given_during_a_scan_counts(store, monkeypatch):
    run = queued(store, device="cuda:0")
    chief = supervisor(store, "obey", roster=lending(store, *GPUS))
    real = lends.start

    def late(*arguments):
        give_device(store, run, "cuda:1")
        real(*arguments)

    monkeypatch.setattr(lends, "start", late)
    chief.step()
    assert run.status.state == "queued"
    monkeypatch.setattr(lends, "start", real)
    until(lambda: run.status.state == "running", chief.step)
    assert run.status.device == "cuda:1"


def test_an_unknown_device_is_refused_with_those_that_are_there(store):
    run = queued(store)
    with pytest.raises(DeviceError, match="It has: cuda:0, cuda:1, cpu"):
        give_device(store, run, "cuda:9")
    assert run.settings["device"] == "auto"


def test_the_same_device_leaves_no_line(store):
    run = queued(store)
    before = run.history()
    give_device(store, run, "auto")
    assert run.history() == before


def test_a_run_that_has_begun_stays_on_devices_of_its_kind(store):
    run = begun(store, "cuda:0")
    give_device(store, run, "cuda:1")
    give_device(store, run, "auto")
    with pytest.raises(RunError, match="has begun on cuda:0"):
        give_device(store, run, "cpu")
    assert run.settings["device"] == "auto"


def test_only_the_owner_and_an_admin_give_a_device(store):
    mine = replace(store, by=Person(name="ana", role=OPERATOR))
    run = mine.create(QUICK)
    mine.submit(run)
    other = replace(store, by=Person(name="ben", role=OPERATOR))
    with pytest.raises(AccessError, match="belongs to ana"):
        give_device(other, other.run(run.id), "cuda:0")
    give_device(mine, run, "cuda:0")
    assert run.settings["device"] == "cuda:0"
