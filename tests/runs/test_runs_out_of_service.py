"""GPUs that do not work, before a run or under it: what becomes of the runs and of the GPUs."""

import json
import sys
from pathlib import Path

import pytest
from run_helpers import CPU, lending, queued, store_without_executor, supervisor, until

from cifar_core import devices
from cifar_core.devices import Device, Inventory, Refused
from cifar_core.devices.probing import Probing
from cifar_core.disk import files
from cifar_core.errors import OutOfServiceError
from cifar_core.runs.engine.roster import PATIENT_PROBES, Roster
from cifar_core.runs.record import metrics

GPU, SECOND = (Device(id=f"cuda:{n}", name="H100") for n in (0, 1))
FAKE = Path(__file__).parents[1] / "fake_probe.py"


class Probes:
    """Probes without a process: each takes the next result, the last one for ever."""

    def __init__(self, *results):
        self.results, self.made, self.in_use = list(results), 0, set()

    def __call__(self, in_use):
        self.made, self.in_use = self.made + 1, set(in_use)
        return self

    def poll(self):
        return self.results.pop(0) if len(self.results) > 1 else self.results[0]

    def cancel(self):
        pass


def refused(trouble="failing", reason="it does not answer", id_="cuda:0"):
    return Inventory(devices=[CPU], refused=[
        Refused(id=id_, name="H100", reason=reason, trouble=trouble)
    ])  # fmt: skip


WORKS = Inventory(devices=[GPU, CPU])


@pytest.fixture
def store(tmp_path):
    with store_without_executor(tmp_path / "store") as store:
        yield store


@pytest.fixture(autouse=True)
def with_trace(monkeypatch):
    """A machine that may have a GPU, so that a roster probes and the store keeps the result."""
    monkeypatch.setattr("cifar_core.devices.hints.may_have_gpu", lambda: True)


def roster(store, *results, first_seconds=0.0):
    return Roster(store.root, probe=Probes(*results), first_seconds=first_seconds)


def plan(run, attempt=1):
    return files.read_json(metrics.attempt_folder(run.path, attempt) / "attempt.json")


def test_three_runs_on_a_machine_without_a_driver_end_on_the_cpu_and_say_why(store):
    """The real way: a driver that torch does not find, seen by a probe in a process of its own."""
    build = {"torch": "2", "cuda": "13.0", "gpus": [], "error": "Found no NVIDIA driver"}
    listing = {"gpus": [{"index": 0, "name": "H100"}]}
    command = [sys.executable, "-S", "-E", str(FAKE),
               json.dumps({"listing": listing, "build": build})]  # fmt: skip
    real = Roster(
        store.root, probe=lambda in_use: Probing(in_use, command=command), first_seconds=0.0
    )
    runs = [queued(store) for _ in range(3)]
    chief = supervisor(store, "finish", roster=real)
    until(lambda: {run.status.state for run in runs} == {"finished"}, chief.step)
    real.close()
    assert real.probes >= PATIENT_PROBES  # a bad moment at boot may pass
    assert plan(runs[0])["device"] == "cpu"
    assert "no GPU can be used. H100 (cuda:0) cannot be used" in plan(runs[0])["device_reason"]


def test_a_gpu_that_never_can_is_not_waited_for(store):
    run = queued(store)
    chief = supervisor(store, "finish", roster=roster(store, refused("unsupported", "too old")))
    until(lambda: run.status.state == "finished", chief.step)
    assert plan(run)["device"] == "cpu"
    assert chief.roster.probe.made == 1
    wanted = queued(store, device="cuda")
    until(lambda: wanted.status.state == "failed", chief.step)
    assert (wanted.status.reason, "too old" in wanted.status.message) == ("device", True)


def test_a_bad_moment_at_boot_heals_by_itself(store):
    run = queued(store)
    chief = supervisor(store, "obey", roster=roster(store, refused(), refused(), WORKS))
    until(lambda: run.status.state == "running", chief.step)
    assert run.status.device == "cuda:0"


def test_a_gpu_that_others_use_is_waited_for_however_long(store):
    run = queued(store)
    chief = supervisor(store, "obey", roster=roster(store, refused("in use", "it is full")))
    until(lambda: chief.roster.probes > 2 * PATIENT_PROBES, chief.step)
    assert (run.status.state, run.status.reason) == ("queued", "device")
    assert run.status.message.startswith("H100 (cuda:0) is out of service: it is full.")
    assert devices.known(store.root).refused[0].reason == "it is full"  # what the pages show
    chief.roster.probe.results = [WORKS]
    until(lambda: run.status.state == "running", chief.step)


def test_only_runs_for_the_cpu_start_while_the_gpus_are_being_checked(store):
    waits, starts = queued(store), queued(store, device="cpu")
    chief = supervisor(store, "obey", roster=roster(store, None))
    until(lambda: starts.status.state == "running", chief.step)
    assert waits.status.message == "The GPUs of this machine are being checked."


@pytest.mark.parametrize("mode", ["lose_device", "crash_of_device"])
def test_a_run_whose_device_fails_goes_back_into_the_queue_and_the_device_out_of_service(
    store, mode
):
    run = queued(store)
    chief = supervisor(store, mode, roster=roster(store, WORKS, first_seconds=1e6))
    until(lambda: run.status.state == "queued" and run.status.deaths == 1, chief.step)
    assert run.status.reason == "device"
    assert "It continues from its last checkpoint" in run.attempts()[0].ended
    until(lambda: "out of service" in run.status.message, chief.step)
    assert "CUDA error" in run.status.message
    assert [device.id for device in devices.known(store.root).devices] == ["cpu"]
    chief.roster.due = 0.0
    until(lambda: run.status.attempt == 2, chief.step)


def test_a_device_that_fails_again_and_again_does_not_take_a_run_with_it_for_ever(store):
    run = queued(store)
    chief = supervisor(store, "lose_device", roster=roster(store, WORKS))
    until(lambda: run.status.state == "failed", chief.step)
    assert run.status.reason == "device"
    assert "3 attempts in a row ended before they had saved anything" in run.status.message
    assert metrics.attempt_numbers(run.path) == [1, 2, 3]


def test_another_gpu_goes_on_with_the_run(store):
    found = Inventory(devices=[GPU, SECOND, CPU])
    run = queued(store)
    chief = supervisor(store, "lose_device", roster=roster(store, found, first_seconds=1e6))
    until(lambda: plan(run, 2).get("device"), chief.step)
    assert (plan(run)["device"], plan(run, 2)["device"]) == ("cuda:0", "cuda:1")


def test_a_run_that_was_to_stop_when_its_device_failed_is_stopped(store):
    run = queued(store)
    chief = supervisor(
        store, "lose_device_when_asked", roster=roster(store, WORKS, first_seconds=1e6)
    )
    until(lambda: run.status.state == "running", chief.step)
    run.stop("now")
    until(lambda: run.status.state == "stopped", chief.step)
    assert [device.id for device in chief.roster.found.devices] == ["cpu"]


def test_a_device_in_service_again_but_in_use_is_waited_for_as_usual(store):
    first, second = queued(store), queued(store)
    chief = supervisor(store, "obey", roster=roster(store, refused("in use"), WORKS))
    until(lambda: first.status.state == "running", chief.step)
    chief.step()
    assert (second.status.reason, second.status.message) == ("", "Waiting for a free device.")


def test_a_probe_leaves_the_devices_in_use_alone_and_forgets_none_of_them(store):
    run = queued(store)
    both = Inventory(devices=[GPU, SECOND, CPU])
    chief = supervisor(store, "obey", roster=roster(store, both, refused(id_="cuda:1")))
    until(lambda: run.status.state == "running", chief.step)
    chief.roster.due = 0.0
    until(lambda: chief.roster.probes == 2, chief.step)
    assert chief.roster.probe.in_use == {"cuda:0"}
    assert [device.id for device in chief.roster.found.devices] == ["cuda:0", "cpu"]


def test_a_gpu_that_torch_no_longer_lists_is_out_of_service_rather_than_unknown(store):
    run = queued(store, device="cuda:1")
    both = Inventory(devices=[GPU, SECOND, CPU])
    chief = supervisor(store, "obey", roster=roster(store, None))
    chief.roster.take(both, ())
    chief.roster.take(WORKS, ())
    chief.step()
    assert run.status.state == "queued"
    assert "torch no longer sees it" in run.status.message


def test_a_gpu_that_worked_under_an_earlier_executor_is_awaited(store):
    first = roster(store, None)
    first.take(WORKS, ())
    first.lose("cuda:0", "CUDA error")
    for id_ in ("cuda", "cuda:0"):  # torch may not be able to number it meanwhile
        again = roster(store, refused(id_=id_))
        until(lambda again=again: again.probes > PATIENT_PROBES, lambda again=again: again.step(()))
        for wanted in ("auto", "cuda"):
            with pytest.raises(OutOfServiceError, match="it does not answer"):
                again.candidates(wanted)
    devices.keep(store.root, refused())  # as a check from the terminal does
    assert roster(store, None).has_worked(refused().refused[0])


def test_nothing_starts_on_a_gpu_in_use_that_torch_now_numbers_otherwise(store):
    a, b = (Device(id=f"cuda:{n}", name=name, uuid=name) for n, name in enumerate("AB"))
    lost = Refused(id="gpu:0", name="A", uuid="A", reason="the driver lost it")
    chief = supervisor(store, "obey", roster=roster(store, None))
    chief.roster.take(Inventory(devices=[a, b, CPU]), ())
    chief.roster.due = 1e12
    runs = [queued(store, device="cuda:1")]
    until(lambda: runs[0].status.state == "running", chief.step)
    chief.roster.lose("cuda:0", "Xid 79")
    renumbered = Device(id="cuda:0", name="B", uuid="B")
    for _ in range(PATIENT_PROBES + 1):
        chief.roster.take(Inventory(devices=[renumbered, CPU], refused=[lost]), chief.lent())
        chief.roster.probes += 1
    assert [r.awaited for r in chief.roster.found.refused if r.uuid == "A"] == [True]
    assert chief.roster.candidates("auto") == [renumbered]
    runs += [queued(store), queued(store, device="cuda:1")]
    chief.step()
    assert [run.status.state for run in runs] == ["running", "queued", "queued"]
    assert "torch now calls it cuda:0" in runs[2].status.message
    runs[0].stop("now")
    until(lambda: runs[1].status.state == "running", chief.step)
    assert runs[1].status.device == "cuda:0"


def test_probes_become_rarer_until_a_run_has_worked(store, monkeypatch):
    waits, now = roster(store, WORKS, first_seconds=30.0), 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    waits.take(refused(), ())
    assert waits.due - now == 30
    waits.take(refused(), ())
    assert waits.due - now == 60
    for _ in range(6):
        waits.take(refused(), ())
    assert waits.due - now == 600
    waits.take(WORKS, ())
    assert waits.due > now + 1e9
    waits.lose("cuda:0", "CUDA error")
    assert waits.due - now == 600
    waits.praise("cuda:0")
    waits.take(refused(), ())
    assert waits.due - now == 30


def test_what_an_earlier_executor_found_in_this_boot_is_enough(store):
    devices.keep(store.root, WORKS)
    again = roster(store, None)
    again.step(())
    assert again.candidates("auto") == [GPU]
    assert again.probe.made == 0


def test_a_machine_without_a_gpu_probes_nothing(store, monkeypatch):
    monkeypatch.setattr("cifar_core.devices.hints.may_have_gpu", lambda: False)
    none = roster(store, None)
    none.step(())
    assert none.probe.made == 0
    assert lending(store, CPU).candidates("auto") == [CPU]
