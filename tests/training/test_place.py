"""Whatever computes on a chosen GPU makes it the current one first."""

import os

import pytest
import torch
from run_helpers import SMALL, attempt, store_without_executor

from cifar_core.config import TrainConfig
from cifar_core.runs.prepare import epoch_time, largest_batch
from cifar_core.runs.results import verify
from cifar_core.training import place, setup

CONFIG = TrainConfig(**{**SMALL, "epochs": 1})


@pytest.fixture
def run(tmp_path):
    with store_without_executor(tmp_path / "store") as store:
        yield store.create(CONFIG)


def test_memory_events_and_waiting_mean_the_chosen_gpu(monkeypatch):
    chosen = []
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    place.compute_on("cuda:1", 1)
    place.compute_on("cpu", 1)
    assert chosen == ["cuda:1"]


class HereError(Exception):
    """Raised in place of choosing the device."""


@pytest.mark.parametrize(
    "compute",
    [
        lambda run: attempt(run).open(fresh=True),
        lambda run: largest_batch.trial(CONFIG, run.store_root),
        lambda run: epoch_time.trial(CONFIG, run.store_root),
        lambda run: verify.prepared(run, verify.device_of(run)),
    ],
    ids=["trainer", "largest batch", "epoch time", "verification"],
)
def test_the_device_is_chosen_before_anything_is_built(run, compute, monkeypatch):
    def choose(device, threads):
        assert (device, threads) == ("cpu", 1)
        raise HereError

    def build(*_, **__):
        pytest.fail("built before the device was chosen")

    monkeypatch.setattr(place, "compute_on", choose)
    for name in ("training.setup.prepare", "runs.prepare.step_plans.decide"):
        monkeypatch.setattr(f"cifar_core.{name}", build)
    with pytest.raises(HereError):
        compute(run)


def test_a_deterministic_run_has_the_workspace_that_cublas_repeats_itself_with(monkeypatch):
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    try:
        setup.make_deterministic()
        assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    finally:
        torch.use_deterministic_algorithms(False)
        del os.environ["CUBLAS_WORKSPACE_CONFIG"]
