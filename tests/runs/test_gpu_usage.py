"""What is recorded of a GPU: an invented one, with a stand-in for NVIDIA's library."""

import sys
from types import ModuleType, SimpleNamespace

import pytest
import torch
from msgspec.structs import replace
from run_helpers import SMALL, attempt, store_without_executor

from app import theme
from cifar_core.config import TrainConfig
from cifar_core.devices import nvml
from cifar_core.disk import files
from cifar_core.report import model_card
from cifar_core.runs.engine.worker import gpu_sampler
from cifar_core.runs.engine.worker.attempt import run_attempt
from cifar_core.runs.engine.worker.gpu_sampler import GPUSampler
from cifar_core.runs.exchange.recipe import recipe
from cifar_core.runs.exchange.zip_shapes import KINDS, shaped
from cifar_core.runs.record.environment import versions
from cifar_core.runs.record.gpu import facts, usage
from cifar_core.runs.record.gpu.facts import GPURecord
from cifar_core.runs.record.gpu.usage import Usage
from cifar_core.runs.record.records import Environment
from cifar_core.runs.results import verify

UUID = "1b2c"
GPU = GPURecord(gpu_driver="580.65", cuda=torch.version.cuda or "", cudnn="9.24.0",
                compute_capability="9.0", gpu_memory_megabytes=85_900)  # fmt: skip


class Library(ModuleType):
    """Stands for pynvml on a machine with one GPU, of which some figures may be unknown."""

    class NVMLError(Exception):
        pass

    def __init__(self):
        super().__init__("pynvml")
        self.known, self.unknown, self.asked = f"GPU-{UUID}", set(), []
        memory = SimpleNamespace(used=7 * 10**9, total=85 * 10**9)
        rates = SimpleNamespace(gpu=93, memory=40)
        self.nvmlInit = lambda: self.answer("init", None)
        self.nvmlSystemGetDriverVersion = lambda: self.answer("driver", "580.65")
        self.nvmlDeviceGetHandleByUUID = self.handle_of
        self.nvmlDeviceGetMemoryInfo = lambda _: self.answer("memory", memory)
        self.nvmlDeviceGetUtilizationRates = lambda _: self.answer("rates", rates)
        self.nvmlDeviceGetTemperature = lambda _, __: self.answer("temperature", 61)
        self.nvmlDeviceGetPowerUsage = lambda _: self.answer("power", 412_500)

    def handle_of(self, name):
        if name != self.known:
            raise self.NVMLError
        return "handle"

    def answer(self, what, value):
        self.asked.append(what)
        if what in self.unknown:
            raise self.NVMLError
        return value


@pytest.fixture
def library(monkeypatch):
    """One GPU, which torch and the library know."""
    stand_in = Library()
    monkeypatch.setitem(sys.modules, "pynvml", stand_in)
    about = SimpleNamespace(uuid=UUID, major=9, minor=0, total_memory=85_899_345_920)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: about)
    monkeypatch.setattr(torch.backends.cudnn, "version", lambda: 92400)
    return stand_in


@pytest.fixture
def no_library(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)


@pytest.mark.parametrize("name", [f"GPU-{UUID}", f"MIG-{UUID}"])
def test_a_sample_has_what_the_gpu_says_of_itself(library, name):
    library.known = name
    found = gpu_sampler.usage_of(nvml.handle_of(UUID))
    assert (found.memory_used, found.memory_total) == (7e9, 85e9)
    assert (found.utilization, found.temperature, found.power) == (93, 61, 412.5)
    library.unknown = {"memory", "rates"}
    part = gpu_sampler.usage_of(nvml.handle_of(UUID))
    assert (part.memory_used, part.utilization, part.temperature) == (None, None, 61)


@pytest.fixture
def at_once(monkeypatch):
    """Each sample has a row."""
    monkeypatch.setattr(gpu_sampler, "seconds_of_a_row", lambda _: 0.0)


def test_samples_are_written_beside_the_rows_until_the_gpu_is_lost(library, tmp_path, at_once):
    path = usage.path_of(tmp_path, 1)
    path.parent.mkdir(parents=True)
    sampler = GPUSampler("cuda:0", path)
    looks = []

    def wait(_):
        looks.append(library.asked.count("rates"))
        if len(looks) == 6:
            library.unknown = {"memory", "rates", "temperature", "power"}

    sampler.stopped.wait = wait
    sampler.start()
    sampler.thread.join(30)
    rows, end = usage.read(path)
    assert [row.utilization for row in rows] == [93] * 6
    assert looks == [1, 2, 3, 4, 5, 6]
    assert usage.read(path, end) == ([], end)


@pytest.mark.parametrize("device", ["cpu", "cuda:0"])
def test_without_the_library_or_a_gpu_nothing_is_written(device, no_library, monkeypatch, tmp_path):
    about = SimpleNamespace(uuid=UUID)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: about)
    sampler = GPUSampler(device, tmp_path / "gpu.jsonl")
    sampler.start()
    if device == "cuda:0":
        sampler.thread.join(30)
    assert not sampler.thread.is_alive()
    assert list(tmp_path.iterdir()) == []
    assert nvml.driver() == ""


def test_a_folder_that_is_gone_ends_only_the_sampling(library, tmp_path, at_once):
    sampler = GPUSampler("cuda:0", tmp_path / "gone" / "gpu.jsonl")
    sampler.start()
    sampler.thread.join(30)
    assert not sampler.thread.is_alive()


def sampled(tmp_path, hours):
    """Sample an invented GPU for so many hours of an invented clock; return the rows."""
    sampler, now = GPUSampler("cpu", tmp_path / "gpu.jsonl"), [0.0]

    def wait(seconds):
        now[0] += seconds
        if now[0] > hours * 3600:
            sampler.stopped.set()

    sampler.stopped.wait = wait
    kept = []
    sampler.rows.add = kept.append

    def look():
        return Usage(t=now[0], memory_used=1000, temperature=50, utilization=now[0] % 2 * 100)

    sampler.sample(look, clock=lambda: now[0])
    return kept


def test_a_week_of_seconds_is_thinned_out(tmp_path):
    hour = sampled(tmp_path, 1)
    assert len(hour) == pytest.approx(3600, abs=2)
    day = sampled(tmp_path, 24)
    assert day[:3000] == hour[:3000]
    assert len(day) < 3600 * 4.5  # ln 24 = 3.2
    assert 20 < day[-1]["t"] - day[-2]["t"] < 25
    assert 45 < day[-1]["utilization"] < 55  # of all seconds, not of one
    assert day[-1]["memory_used"] == 1000


def test_several_seconds_in_one_row_keep_their_peaks(tmp_path):
    row = usage.together([
        Usage(t=1, memory_used=5, temperature=40, utilization=100, power=300.0),
        Usage(t=2, memory_used=9, temperature=44, utilization=50),
    ])  # fmt: skip
    assert row == Usage(t=2, memory_used=9, temperature=44, utilization=75, power=300.0)


def test_damaged_rows_are_not_read(tmp_path):
    path = tmp_path / "gpu.jsonl"
    files.append_line(path, {"t": 1.0, "utilization": 7})
    with path.open("a") as file:
        file.write('{"t":"x","utilization":7}\n{"t":3.0,"utilization":9}\n{"t":4')
    assert [row.t for row in usage.read(path)[0]] == [1.0, 3.0]
    assert usage.read(tmp_path / "none.jsonl") == ([], 0)


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
    monkeypatch.setattr(GPUSampler, "start", lambda sampler: started.append(sampler.rows.path))
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
        assert started == [usage.path_of(run.path, 1)]
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
