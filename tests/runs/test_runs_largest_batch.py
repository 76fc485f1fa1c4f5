"""The largest batch that fits: the search on invented memories, and one real measurement."""

import subprocess
import sys
from dataclasses import replace

import pytest

from cifar_core.config import TrainConfig
from cifar_core.errors import CifarError
from cifar_core.runs.prepare import largest_batch, memory
from cifar_core.runs.prepare.batch_search import FINE, MULTIPLE, BatchLimit, piece, search
from cifar_core.runs.prepare.largest_batch import LargestBatch, in_child, measure, peak_of
from cifar_core.training.step.pieces import sizes_of_pieces

BASE, EACH = 500.0, 2.0  # megabytes of the program, and of each image


def searched(limit, *, at_most=8192, seconds=1e9, refuses_beyond=float("inf"), step_seconds=0.0):
    """Search on a machine where memory grows evenly; return the result and what was tried."""
    tried, clock = [], [0.0]

    def attempt(batch):
        tried.append(batch)
        clock[0] += step_seconds * batch
        peak = BASE + EACH * batch
        return peak if peak <= refuses_beyond else None

    found = search(attempt, limit_megabytes=limit, at_most=at_most, seconds=seconds,
                   clock=lambda: clock[0])  # fmt: skip
    return found, tried


@pytest.mark.parametrize("limit", [700.0, 1500.0, 4321.0, 9999.0])
def test_the_search_closes_in_on_the_limit_without_ever_passing_it(limit):
    found, tried = searched(limit)
    best = (limit - BASE) / EACH
    assert best - max(MULTIPLE, best / FINE) - MULTIPLE <= found.largest <= best
    assert found.largest % MULTIPLE == 0
    assert found.largest == found.tried
    assert max(tried) <= best
    assert found.megabytes_per_image == pytest.approx(EACH)


def test_memory_that_is_refused_bounds_the_search():
    found, tried = searched(1e9, refuses_beyond=BASE + EACH * 1000)
    assert 930 <= found.largest <= 1000
    assert 1024 in tried


def test_all_images_are_the_largest_batch_there_can_be():
    found, _ = searched(1e9, at_most=1000)
    assert (found.largest, found.tried) == (1000, 1000)


def test_without_time_the_rest_is_extrapolated():
    found, tried = searched(4500.0, seconds=50.0, step_seconds=1.0)
    assert tried == [16, 32, 64]
    assert (found.tried, found.largest) == (64, 2000)


def test_nothing_is_extrapolated_before_any_growth_was_seen():
    found = search(lambda _: BASE, limit_megabytes=4500.0, at_most=500, seconds=0.0)
    assert (found.tried, found.largest) == (500, 500)


def test_nothing_fits_where_the_smallest_batch_does_not():
    found, tried = searched(1e9, refuses_beyond=BASE)
    assert (found.largest, tried) == (0, [16, 8, 4, 2])


@pytest.mark.parametrize(("images", "largest"), [(2, 2), (5, 4), (9, 8)])
def test_of_large_images_a_few_may_be_all_that_fit(images, largest):
    found, _ = searched(1e9, refuses_beyond=BASE + EACH * images)
    assert found.largest == found.tried == largest


@pytest.mark.parametrize(("batch", "largest"), [(512, 200), (128, 127), (4096, 1400), (10, 3)])
def test_pieces_are_equal_and_fit(batch, largest):
    size = piece(batch, largest)
    assert size <= largest
    assert -(-batch // size) == -(-batch // largest)


def fit(largest, at_most=8192):
    return LargestBatch(largest=largest, tried=largest, megabytes_per_image=2.0, at_most=at_most,
               limit_megabytes=4000.0, device="cpu")  # fmt: skip


def test_the_result_says_what_a_batch_needs():
    assert fit(200).sentence(128) == "The largest batch that fits now is 200; 128 fits."
    assert "512 images fit if at most 171 are computed at once" in fit(200).sentence(512)
    assert "Any batch fits, up to 9,000 images." in fit(9000, 9000).sentence(128)
    assert "smaller network" in fit(0).sentence(128)
    assert fit(200).basis == "2 MB per image, 4,000 MB usable on cpu; tried"
    assert replace(fit(200), tried=64).basis.endswith("extrapolated from batches of up to 64")
    assert (fit(200).micro_batch(512), fit(200).micro_batch(128)) == (171, 0)


def test_several_devices_compute_a_part_of_the_batch_each():
    both = replace(fit(200), devices=2)  # 100 images fit on each
    assert (both.micro_batch(512), both.micro_batch(200)) == (86, 0)
    assert "512 images fit if at most 86 are computed at once on each device" in both.sentence(512)
    assert "usable on cpu, one of 2 devices" in both.basis
    each = TrainConfig(batch_size=64, devices=2).of_one_device()
    assert (each.batch_size, each.devices) == (32, 1)


@pytest.fixture
def much_memory(monkeypatch):
    """Let this process measure itself as if it had a lot of memory, and not limit its own."""
    monkeypatch.setattr(memory, "limit_megabytes", lambda: 1e6)
    monkeypatch.setattr(memory, "forbid_more_than", lambda limit: None)


@pytest.mark.usefixtures("much_memory")
def test_the_largest_batch_of_several_devices_is_measured_on_one(tmp_path):
    found = largest_batch.trial(replace(CONFIG, devices=3, batch_size=63), tmp_path)
    assert (found.largest, found.devices) == (180, 3)
    assert found.tried >= 63
    in_pieces = in_child(replace(CONFIG, devices=2), tmp_path, in_pieces=True)
    assert (in_pieces.largest, in_pieces.devices) == (32, 1)


CONFIG = TrainConfig(data="synthetic:200", batch_size=64, device="cpu", threads=1)


def test_a_measurement_takes_real_steps_in_a_process_of_its_own(tmp_path):
    found = measure(CONFIG, tmp_path)
    assert found.device == "cpu"
    assert found.largest == found.at_most == 180
    assert found.tried >= 64
    assert found.limit_megabytes > 100


def test_the_processes_of_a_run_share_main_memory(tmp_path, monkeypatch):
    done = []
    monkeypatch.setattr(memory, "limit_megabytes", lambda: 4000.0)
    monkeypatch.setattr(memory, "forbid_more_than", done.append)
    monkeypatch.setattr(largest_batch, "peak_of", lambda *_: 500.0)
    largest_batch.trial(replace(CONFIG, devices=2), tmp_path)
    assert done == [2000.0]


def test_memory_is_limited_before_the_first_step_is_tried(tmp_path, monkeypatch):
    done = []
    monkeypatch.setattr(memory, "limit_megabytes", lambda: 777.0)
    monkeypatch.setattr(memory, "forbid_more_than", lambda limit: done.append(limit))

    def tried(attempt, *, limit_megabytes, at_most, seconds):
        done.append("search")
        return BatchLimit(largest=1, at_most=at_most, tried=1, megabytes_per_image=1.0,
                          limit_megabytes=limit_megabytes)  # fmt: skip

    monkeypatch.setattr(largest_batch, "search", tried)
    assert largest_batch.trial(CONFIG, tmp_path).limit_megabytes == 777.0
    assert done == [777.0, "search"]


@pytest.mark.parametrize("images", [16, 24, 40, 64])
def test_a_measured_piece_has_the_size_that_is_told(images):
    sized = largest_batch.sized(CONFIG, images, in_pieces=True)
    assert set(sizes_of_pieces(sized.micro_batch, sized.batch_size)) == {images}
    assert CONFIG.batch_size - images < sized.batch_size <= CONFIG.batch_size


@pytest.mark.usefixtures("much_memory")
def test_pieces_are_measured_with_the_batch_that_they_are_cut_from(tmp_path):
    found = largest_batch.trial(CONFIG, tmp_path, in_pieces=True)
    assert found.largest == found.at_most == 64


def test_a_head_on_kept_features_needs_no_measurement(tmp_path):
    config = replace(CONFIG, model="resnet18_imagenet", plan="head")
    with pytest.raises(CifarError, match="a batch of any size fits"):
        measure(config, tmp_path)


def test_refused_memory_is_no_peak_and_other_errors_are_not_hidden(monkeypatch):
    def refuse(*_):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to ...")

    monkeypatch.setattr("cifar_core.runs.prepare.largest_batch.take_steps", refuse)
    assert peak_of(CONFIG, None, "cpu") is None

    def fail(*_):
        raise ZeroDivisionError

    monkeypatch.setattr("cifar_core.runs.prepare.largest_batch.take_steps", fail)
    with pytest.raises(ZeroDivisionError):
        peak_of(CONFIG, None, "cpu")


def test_a_control_group_leaves_what_it_has_not_used(tmp_path):
    assert memory.group_megabytes(tmp_path) == float("inf")
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("600000000\n")
    (tmp_path / "memory.stat").write_text("anon 1\ninactive_file 100000000\n")
    assert memory.group_megabytes(tmp_path) == float("inf")
    (tmp_path / "memory.max").write_text("1000000000\n")
    assert memory.group_megabytes(tmp_path) == 500.0


def test_a_limit_of_the_process_itself_counts(monkeypatch):
    assert memory.own_megabytes() == float("inf")
    monkeypatch.setattr(memory.resource, "getrlimit", lambda _: (10**12, 10**12))
    assert 900_000 < memory.own_megabytes() < 1_000_000
    monkeypatch.setattr(memory.resource, "getrlimit", lambda _: (1, 1))
    assert memory.limit_megabytes() == pytest.approx(memory.peak_megabytes(), abs=50)


def test_some_memory_is_always_left_to_others(monkeypatch):
    now = memory.peak_megabytes()
    for available, spare in ((10_000.0, 8000.0), (1000.0, 488.0), (100.0, 0.0)):
        monkeypatch.setattr(memory, "available_megabytes", lambda a=available: a)
        assert memory.limit_megabytes() == pytest.approx(now + spare, abs=50)


@pytest.mark.skipif(not memory.Path("/proc/self/status").exists(), reason="needs Linux")
def test_memory_beyond_the_limit_is_refused_not_swapped():
    code = (
        "from cifar_core.runs.prepare import memory\n"
        "import numpy as np\n"
        "memory.forbid_more_than(memory.peak_megabytes() + 300)\n"
        "np.ones(100_000_000, np.uint8)\n"
        "try:\n    np.ones(600_000_000, np.uint8)\nexcept MemoryError:\n    print('refused')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "refused", done.stderr
