"""The machine that runs an attempt chooses its device and threads, if the plan leaves them open."""

import platform

import pytest
from run_helpers import SMALL, store_without_executor, supervisor

from cifar_core import devices
from cifar_core.config import TrainConfig
from cifar_core.devices import Device, Inventory
from cifar_core.disk import files
from cifar_core.errors import DeviceError, RunError
from cifar_core.runs.engine.live_attempts import LiveAttempt, plan_of
from cifar_core.runs.engine.worker.node import placed
from cifar_core.runs.engine.worker.ranks.group import RankGroup
from cifar_core.runs.engine.worker.training_worker import Worker, run_attempt
from cifar_core.runs.record import metrics
from cifar_core.runs.record.environment import essentials
from cifar_core.runs.record.records import AttemptPlan

CPU = Device(id="cpu", name="a CPU")
GPU = Device(id="cuda:0", name="an A100", memory_megabytes=80_000)
NODE = Inventory(devices=[GPU, CPU])


@pytest.fixture
def run(tmp_path):
    with store_without_executor(tmp_path / "store") as store:
        yield store.create(TrainConfig(**{**SMALL, "device": "auto", "threads": 0, "epochs": 1}))


def planned(run, number=1, **changes):
    """Write the plan of an attempt for a cluster, and return it."""
    folder = metrics.attempt_folder(run.path, number)
    folder.mkdir(parents=True)
    (folder / "lock").touch()
    plan = AttemptPlan(**{"place": "slurm", "versions": essentials(), **changes})
    files.write_json(folder / "attempt.json", plan)
    return plan


def test_the_fastest_device_of_the_node_is_chosen_and_recorded(run):
    plan = placed(run, 1, planned(run), NODE)
    assert (plan.device, plan.devices, plan.device_name) == ("cuda:0", ["cuda:0"], "an A100")
    assert plan.device_reason == f"{platform.node()}: an A100 (cuda:0): the fastest device found."
    assert plan.threads == devices.choose_threads(0)
    assert metrics.attempt_plan(run.path, 1) == plan
    assert (plan.place, plan.slot, plan.slots) == ("slurm", "", [])  # none of the executor's own


def test_a_device_that_the_executor_chose_stays(run):
    plan = planned(run, device="cpu", threads=3)
    assert placed(run, 1, plan, NODE) is plan


def test_a_node_without_the_wanted_device_says_which_ones_it_has(run):
    wanted = type("Run", (), {"path": run.path, "settings": {"device": "cuda"}})
    plan = planned(run)
    with pytest.raises(DeviceError, match="This machine has: cpu"):
        placed(wanted, 1, plan, Inventory(devices=[CPU]))


def test_the_threads_of_the_first_attempt_are_kept(run):
    assert placed(run, 2, planned(run, 2, threads=5), NODE).threads == 5


def test_no_number_of_threads_travels_where_it_is_still_open(tmp_path):
    with store_without_executor(tmp_path / "store") as store:
        run = store.create(TrainConfig(**{**SMALL, "threads": 0, "run_on": "slurm"}))
        chief = supervisor(store, "obey")
        live = LiveAttempt(run=run, attempt=1, devices=(), state="starting", deaths=0,
                           backend=chief.backends.of("slurm"), name="cifar-1")  # fmt: skip
        plan = plan_of(live, (), "", ["true"])
    assert "OMP_NUM_THREADS" not in plan.environment
    assert plan.versions == essentials()
    assert plan.executor == []


@pytest.mark.parametrize("name", ["CIFAR Lab", "torch"])
def test_another_version_on_the_node_is_refused_before_any_training(run, name):
    planned(run, versions={**essentials(), name: "0.0.1"})
    result = run_attempt(Worker(run, 1))
    assert (result.outcome, result.reason) == ("failed", "settings")
    assert result.message == (
        f"{name} is {essentials()[name]} on {platform.node()}, but 0.0.1 on the machine that "
        "started the run, and a run must be trained by one version. Make them equal on "
        f"{platform.node()}, then resume the run."
    )
    assert not (run.path / "environment.json").exists()


def test_a_version_that_is_not_known_refuses_nothing(run):
    versions = {**essentials(), "CIFAR Lab": "", "another": "1"}
    with pytest.raises(RunError):
        placed(run, 1, planned(run, versions={**versions, "torch": "0.0.1"}), NODE)
    assert placed(run, 2, planned(run, 2, versions=versions), NODE).device == "cuda:0"


def test_an_attempt_that_chose_its_device_here_trains_and_records_where(run):
    planned(run)
    assert run_attempt(Worker(run, 1)).outcome == "finished"
    found = run.environment
    assert (found.place, found.attempt, found.machine) == ("slurm", 1, platform.node())
    assert found.device == "cpu"
    assert found.threads == devices.choose_threads(0)
    assert run.attempts()[0].device == "cpu"


def test_several_ranks_choose_alike_and_the_first_writes_the_choice(run, monkeypatch):
    there = Inventory(devices=[Device(id=f"cuda:{n}", name="an A100") for n in range(3)])
    plan = planned(run)
    monkeypatch.setenv("CIFAR_CPU_SLOTS", "2")  # as it would be set for good
    for rank in (1, 0):
        monkeypatch.setenv("RANK", str(rank))
        own = placed(run, 1, plan, there, RankGroup(2))
        assert (own.device, own.devices) == (f"cuda:{rank}", ["cuda:0", "cuda:1"])
        assert bool(metrics.attempt_plan(run.path, 1).device) == (rank == 0)
    monkeypatch.setenv("RANK", "1")
    assert placed(run, 1, metrics.attempt_plan(run.path, 1), None, RankGroup(2)).device == "cuda:1"
    with pytest.raises(DeviceError, match="needs 4 devices of one kind at once"):
        placed(run, 1, plan, there, RankGroup(4))
