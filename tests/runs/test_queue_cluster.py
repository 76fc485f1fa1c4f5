"""A run that waits can be sent to a cluster or back, until it is handed over."""

from dataclasses import replace

import pytest
from run_helpers import CPU, QUICK, begun, queued, store_without_executor

from cifar_core import devices
from cifar_core.devices import Device, Inventory
from cifar_core.disk import files
from cifar_core.errors import AccessError, RunError
from cifar_core.people import OPERATOR, Person
from cifar_core.runs.backends import offered, settings
from cifar_core.runs.backends.offered import LABELS, most_devices, places, several
from cifar_core.runs.listing.queue_forecast import suitable
from cifar_core.runs.record import status
from cifar_core.runs.store.queue.cluster import send_to
from cifar_core.runs.store.queue.device import give_device

GPUS = [Device(id=f"cuda:{number}", name="A GPU") for number in range(2)]
SLURM = {"slurm": {"partition": "gpu"}}


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setattr(devices, "known", lambda _: Inventory(devices=[CPU]))
    with store_without_executor(tmp_path / "store") as made:
        files.write_json(made.root / settings.NAME, SLURM)
        yield made


def test_a_waiting_run_is_sent_away_and_back_and_what_it_waited_for_is_forgotten(store):
    run = queued(store, device="cpu")
    status.move(run.path, ("queued",), "queued", reason="device", message="cuda:7 is gone.")
    position, since = run.status.position, run.status.since
    send_to(store, run, "slurm")
    assert (run.settings["run_on"], run.settings["device"]) == ("slurm", "auto")
    assert (run.status.reason, run.status.message) == ("", status.described("queued")["message"])
    assert (run.status.position, run.status.since) == (position, since)
    (line, *_) = run.history()
    assert (line.did, line.detail) == ("sent a run to", "slurm")
    send_to(store, run, "local")
    assert run.settings["run_on"] == "local"


def test_a_device_of_this_machine_takes_a_run_back(store):
    run = queued(store, run_on="slurm")
    status.move(run.path, ("queued",), "queued", message="Waiting until Slurm answers.")
    give_device(store, run, "auto")
    assert run.settings["run_on"] == "local"
    assert run.status.message == status.described("queued")["message"]
    before = len(run.history())
    give_device(store, run, "auto")
    assert len(run.history()) == before


def test_a_place_that_is_not_set_up_is_refused(store):
    run = queued(store)
    with pytest.raises(
        RunError, match=r"'ray' is not set up in this store\. Runs can go to: local"
    ):
        send_to(store, run, "ray")
    assert run.settings["run_on"] == "local"


def test_a_run_that_was_handed_over_stays_there(store):
    run = queued(store, run_on="slurm")
    status.move(run.path, ("queued",), "starting")
    with pytest.raises(RunError, match=r"is starting\. Only a run that waits"):
        send_to(store, run, "local")
    assert run.settings["run_on"] == "slurm"


@pytest.mark.parametrize(("gpus", "device", "is_alike"), [
    (1, "cuda:0", True), (1, "cpu", False), (0, "cpu", True), (0, "cuda:0", False),
])  # fmt: skip
def test_a_run_that_has_begun_gets_the_same_kind_of_device(store, gpus, device, is_alike):
    files.write_json(store.root / settings.NAME, {"slurm": {"gpus": gpus}})
    run = begun(store, device)
    if is_alike:
        send_to(store, run, "slurm")
    else:
        with pytest.raises(RunError, match="its numbers would change in the middle"):
            send_to(store, run, "slurm")
    assert (run.settings["run_on"] == "slurm") == is_alike


def test_only_the_owner_and_admins_may_send_a_run_away(store):
    run = queued(store)
    ann = Person(name="ann", role=OPERATOR)
    files.edit(run.path / "run.json", dict, lambda _: {"owner": "bo"})
    with pytest.raises(AccessError):
        send_to(replace(store, by=ann), replace(run, by=ann), "slurm")
    assert run.settings["run_on"] == "local"


def test_a_run_for_a_cluster_uses_no_device_of_this_machine(store):
    queued(store, run_on="slurm")
    (row,) = store.runs()
    assert suitable(row, Inventory(devices=[CPU])) == []


def test_there_is_a_choice_only_where_there_are_several():
    nothing, slurm = settings.BackendSettings(), settings.BackendSettings(
        slurm=settings.SlurmSettings(partition="gpu")
    )  # fmt: skip
    one, two = Inventory(devices=[CPU]), Inventory(devices=[*GPUS, CPU])
    assert several("local", nothing, one) == frozenset()
    assert several("local", nothing, two) == {offered.DEVICES}
    assert several("local", slurm, one) == {offered.PLACES}
    assert several("slurm", slurm, one) == {offered.PLACES, offered.DEVICES}
    mixed = Inventory(devices=[GPUS[0], CPU])
    assert several("local", nothing, mixed) == frozenset()
    assert places(slurm) == {"local": "This machine", "slurm": "Slurm (gpu)"}
    assert [most_devices("local", name, two) for name in ("auto", "cuda:1", "cpu", "mps")] == [
        2, 1, 1, 0,
    ]  # fmt: skip


def test_every_setting_of_a_cluster_has_a_label_and_every_cluster_a_title():
    from cifar_core.config.machine_settings import PLACES

    names = {f for kind in offered.KINDS.values() for f in kind.__struct_fields__}
    assert names == set(LABELS)
    titles = {key: place.title for key, place in PLACES.items()}
    assert titles == {"local": "This machine", **settings.TITLES}
    assert titles == {key: offered.title_of(key, settings.BackendSettings()) for key in PLACES}
    assert list(offered.KINDS) == list(settings.BackendSettings.__struct_fields__)


def test_a_sentence_says_where_a_run_can_go():
    words = offered.not_set_up("slurm", settings.BackendSettings())
    assert "run_on is 'slurm', but Slurm is not set up in this store. Choose 'local'" in words
    assert offered.not_set_up("local", settings.BackendSettings()) == ""
    assert QUICK.run_on == "local"
