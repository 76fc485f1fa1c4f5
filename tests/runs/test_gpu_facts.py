"""What is recorded of a GPU: an invented one, with a stand-in for NVIDIA's library."""

import pytest
import torch
from fake_nvml import UUID, Library, give
from msgspec.structs import replace
from run_helpers import SMALL, attempt, store_without_executor

from app import theme
from cifar_core.config import TrainConfig
from cifar_core.disk import files
from cifar_core.report import model_card
from cifar_core.runs.engine.worker.attempt import run_attempt
from cifar_core.runs.engine.worker.machine_sampler import MachineSampler
from cifar_core.runs.exchange.recipe import recipe
from cifar_core.runs.exchange.zip_shapes import KINDS, shaped
from cifar_core.runs.record.environment import versions
from cifar_core.runs.record.gpu import facts
from cifar_core.runs.record.gpu.facts import GPURecord
from cifar_core.runs.record.machine import rows as machine_rows
from cifar_core.runs.record.records import Environment
from cifar_core.runs.results import verify

GPU = GPURecord(gpu_driver="580.65", cuda=torch.version.cuda or "", cudnn="9.24.0",
                compute_capability="9.0", gpu_memory_megabytes=85_900)  # fmt: skip


@pytest.fixture
def library(monkeypatch):
    """One GPU, which torch and the library know."""
    monkeypatch.setattr(torch.backends.cudnn, "version", lambda: 92400)
    return give(monkeypatch, Library([UUID]))


def test_the_gpu_of_a_run_is_described(library):
    found = facts.describe("cuda:0")
    assert found == GPURecord(
        gpu_driver="580.65", cuda=torch.version.cuda or "", hip=torch.version.hip or "",
        cudnn="9.24.0", compute_capability="9.0", gpu_memory_megabytes=85_899,
    )  # fmt: skip
    assert facts.describe("cpu") is None
    assert facts.readable(8902) == "8.9.2"
    assert facts.readable(0) == ""


def test_the_peak_is_kept_with_the_run_and_its_recipe(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda _: 4_200_000_000)
    monkeypatch.setattr(torch.cuda, "max_memory_reserved", lambda _: 5_100_000_000)
    monkeypatch.setattr("cifar_core.runs.record.environment.facts.describe", lambda _: GPU)
    monkeypatch.setattr(MachineSampler, "start", lambda sampler: started.append(sampler.rows.path))
    started = []
    with store_without_executor(tmp_path / "store") as store:
        run = store.create(TrainConfig(**SMALL))
        worker = attempt(run)
        worker.record_peak()  # before anything is known
        before = []

        def fail(_):
            before.append(run.environment)
            raise ZeroDivisionError

        worker.after_steps = fail
        assert run_attempt(worker).outcome == "failed"
        [before], after = before, run.environment
        assert before.gpu == GPU
        assert (after.gpu.peak_allocated_megabytes, after.gpu.peak_reserved_megabytes) == (
            4200,
            5100,
        )
        assert (after.data, after.torch) == (before.data, before.torch)
        assert started == [machine_rows.path_of(run.path, 1)]
        kept = files.read_json(run.path / "environment.json")
        assert shaped("environment.json", kept, KINDS["environment.json"])["gpu"] == kept["gpu"]
        assert recipe(run)["machine"]["gpu"]["peak_reserved_megabytes"] == 5100
        sampler = worker.sampler
        worker.free_memory()
        assert sampler.stopped.is_set()


def test_a_gpu_that_is_lost_hides_no_reason_why_a_run_failed(tmp_path, monkeypatch):
    def lost(_):
        raise RuntimeError("CUDA error: GPU is lost")

    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lost)
    monkeypatch.setattr("cifar_core.runs.record.environment.facts.describe", lambda _: GPU)
    with store_without_executor(tmp_path / "store") as store:
        worker = attempt(store.create(TrainConfig(**SMALL)))
        worker.after_steps = lost
        result = run_attempt(worker)
    assert (result.outcome, result.reason) == ("failed", "device")


def test_pages_and_reports_name_the_gpu_only_where_there_is_one():
    gpu = replace(GPU, peak_reserved_megabytes=5100)
    about = Environment(python="3.11.9", torch="2.14.1", gpu=gpu)
    assert model_card.versions(about).endswith("cuDNN 9.24.0, driver 580.65")
    assert model_card.gpu_memory(gpu) == "at most 5.1 of 85.9 GB"
    assert model_card.versions(Environment(python="3.11.9", torch="2.14.1")) == (
        "python 3.11.9, torch 2.14.1"
    )
    assert model_card.gpu_memory(GPURecord()) == ""
    titles = [theme.title(name) for name in ("gpu_driver", "cuda", "cudnn", "weight_decay")]
    assert titles == ["GPU driver", "CUDA", "cuDNN", "Weight decay"]


def test_a_new_driver_is_named_where_numbers_differ():
    here = {**versions(), **verify.gpu_versions(GPU)}
    known = Environment(**versions(), gpu=GPURecord(gpu_driver="570.1", cuda=GPU.cuda))
    assert verify.differences(known, here) == ["the GPU's driver was 570.1 and is 580.65"]
    assert verify.differences(Environment(**versions()), here) == []
