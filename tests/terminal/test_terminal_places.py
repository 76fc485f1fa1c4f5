"""Where runs can go, in a terminal."""

import json
import time

import pytest
from run_helpers import queued

from cifar_core import devices
from cifar_core.__main__ import REFUSED
from cifar_core.devices import Device, Inventory
from cifar_core.runs.backends import backends, settings
from cifar_core.runs.backends.backend import Checked
from cifar_core.runs.record import status

WORDS = "Slurm says: waits for Priority."


def listed(say):
    return {row["place"]: row for row in json.loads(say("places", "--json")[1])}


def test_at_first_runs_can_go_nowhere_else(say):
    assert list(listed(say)) == ["local"]


def test_a_cluster_is_set_up_changed_and_removed(say, store):
    code, out, _ = say("places", "set-up", "slurm", "--set", "partition=gpu")
    assert (code, "Slurm is set up: slots=100 partition=gpu" in out) == (0, True)
    say("places", "set-up", "slurm", "--set", "slots=3", "--set", "options=--mem=16G --nice=5")
    kept = settings.read(store.root).slurm
    assert (kept.partition, kept.slots, kept.options) == ("gpu", 3, ["--mem=16G", "--nice=5"])
    assert listed(say)["slurm"]["title"] == "Slurm (gpu)"
    assert say("places", "remove", "slurm")[:2] == (0, "Slurm was removed.\n")
    assert list(listed(say)) == ["local"]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("partitoin=gpu", "Did you mean 'partition'?"),
        ("slots=many", "slots is 'many', but it must be a whole number"),
        ("slots=0", "it should be from 1 to 10,000"),
        ("options=--wrap=true", "--wrap cannot be changed"),
        ("gpus", "Write KEY=VALUE"),
    ],
)
def test_a_wrong_setting_is_refused_with_what_to_do(say, store, words, complaint):
    code, _, err = say("places", "set-up", "slurm", "--set", words)
    assert code == REFUSED
    assert complaint in err
    assert settings.read(store.root).slurm is None


def test_what_is_not_set_up_cannot_be_removed(say):
    code, _, err = say("places", "remove", "ray")
    assert (code, "Ray is not set up" in err) == (REFUSED, True)


@pytest.mark.parametrize("works", [True, False])
def test_a_check_says_what_the_cluster_answers(say, monkeypatch, works):
    asked = []

    def check(root, wanted):
        asked.append(wanted)
        return Checked(works=works, sentence="Slurm 22.05.8 answers.")

    monkeypatch.setattr(backends, "check", check)
    code, out, _ = say("places", "check", "slurm", "--set", "partition=gpu")
    assert (code, out) == (0 if works else 1, "Slurm 22.05.8 answers.\n")
    assert asked == [settings.SlurmSettings(partition="gpu")]


def test_runs_are_counted_where_they_are(say, store):
    say("places", "set-up", "slurm")
    for state, device in [("running", "Slurm n1"), ("starting", "Slurm"), ("queued", "")]:
        run = queued(store, run_on="slurm")
        status.move(run.path, ("queued",), state, device=device)
    status.move(queued(store).path, ("queued",), "running", device="cpu")
    there = listed(say)
    assert (there["slurm"]["running"], there["slurm"]["waiting there"]) == (1, 1)
    assert (there["local"]["running"], there["local"]["waiting there"]) == (1, None)


def test_the_queue_says_where_runs_are_and_what_the_cluster_says(say, store):
    say("places", "set-up", "slurm")
    runs = [queued(store, run_on="slurm") for _ in range(3)]
    status.move(runs[0].path, ("queued",), "running", device="Slurm n1",
                unanswered=time.time() - 60)  # fmt: skip
    status.move(runs[1].path, ("queued",), "starting", device="Slurm", message=WORDS)
    queued(store, devices=2)
    lines = say("queue")[1].splitlines()
    assert "Slurm n1" in lines[1]
    assert "no answer since" in lines[1]
    assert WORDS in lines[2]
    assert " slurm " in lines[3]
    assert "auto x2" in lines[4]
    rows = json.loads(say("queue", "--json")[1])
    assert rows[0]["unanswered_since"] == pytest.approx(time.time() - 60, abs=30)
    assert [row["unanswered_since"] for row in rows[1:]] == [None] * 3
    assert "where: Slurm n1" in say("show", "1")[1]


def test_a_run_is_sent_to_a_cluster_only_if_that_is_set_up(say, store):
    asked = ("train", "--preset", "smoke", "--set", "run_on=slurm", "--set", "devices=2")
    code, _, err = say(*asked)
    assert code == REFUSED
    assert "run_on is 'slurm', but Slurm is not set up in this store. Choose 'local'" in err
    assert store.runs() == []
    say("places", "set-up", "slurm")
    assert say(*asked)[0] == 0
    (row,) = store.runs()
    assert (row.settings["run_on"], row.settings["devices"]) == ("slurm", 2)


def test_more_devices_than_this_machine_has_are_refused_at_once(say, store, monkeypatch):
    both = [Device(id=name, name="a CPU") for name in ("cpu", "cpu:1")]
    monkeypatch.setattr(devices, "known", lambda _: Inventory(devices=both))
    asked = ["--set", "devices=33", "--set", "batch_size=330"]
    code, _, err = say("train", *asked, "--set", "data=synthetic:1000")
    assert code == REFUSED
    assert "this machine has 2 devices. Choose at most 2." in err
    assert not store.runs()
