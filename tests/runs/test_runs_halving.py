"""Want of memory: the batch stays, the pieces shrink, and the result is that of smaller pieces."""

import re
import sys
import weakref
from pathlib import Path

import pytest
import torch
from run_helpers import CHIEFS, CPU, SMALL, attempt, lending, queued, store_without_executor, until

from cifar_core.config import TrainConfig
from cifar_core.disk import files
from cifar_core.errors import CifarError
from cifar_core.runs.engine import halving
from cifar_core.runs.engine.supervisor import Supervisor
from cifar_core.runs.engine.worker.attempt import run_attempt
from cifar_core.runs.prepare import largest_batch
from cifar_core.runs.record import checkpoints

GREEDY = Path(__file__).parents[1].joinpath("greedy_trainer.py")
LIMITED = Path(__file__).parents[1].joinpath("limited_trainer.py")
ROOM_MEGABYTES = 200  # for images, network and step, beyond the program itself
SETTINGS = {"data": "synthetic:400", "train_fraction": 1.0, "epochs": 1, "batch_size": 64,
            "precision": "float32"}  # fmt: skip


@pytest.fixture
def store(tmp_path):
    with store_without_executor(tmp_path / "store") as made:
        yield made


def chief_of(store, most):
    """Return a supervisor whose trainers have memory for so many images."""

    def command(run, attempt):
        return [sys.executable, str(GREEDY), str(run.path), str(attempt), str(most)]

    chief = Supervisor(store, command=command, roster=lending(store, CPU))
    CHIEFS.append(chief)
    return chief


def in_little_memory(run, attempt):
    return [sys.executable, str(LIMITED), str(run.path), str(attempt), str(ROOM_MEGABYTES)]


def trained(store, most, **settings):
    """Train a run to its end and return it."""
    run = queued(store, **SETTINGS, **settings)
    chief = chief_of(store, most)
    until(lambda: run.status.state in ("finished", "failed"), chief.step, seconds=240)
    return run


def already_halved(run, *chosen):
    """Give a run the traces of attempts that lacked memory, and of what was chosen after each."""
    for number, micro_batch in enumerate(chosen, start=1):
        folder = run.path / f"attempts/{number}"
        folder.mkdir(parents=True)
        files.write_json(folder / "attempt.json", {})
        files.write_json(folder / "end.json", {"state": "queued", "micro_batch": micro_batch})


def weights(run):
    return checkpoints.load_model(run.checkpoint("last").path)


def test_a_run_that_lacks_memory_goes_on_in_pieces_that_fit_and_computes_the_same(store):
    short, chief = queued(store, **SETTINGS), chief_of(store, 20)
    until(lambda: short.status.state in ("finished", "failed"), chief.step, seconds=240)
    assert short.status.state == "finished"
    ends = [files.read_json(short.path / f"attempts/{n}/end.json") for n in (1, 2, 3)]
    assert [end.get("micro_batch") for end in ends] == [32, 16, None]
    assert "too small for 64 images at once" in ends[0]["message"]
    assert short.environment.images_at_once == 16
    assert short.settings["micro_batch"] == 0  # what was asked for stays as it was asked for
    chosen = store.create(TrainConfig(**{**short.settings, "micro_batch": 16}))
    assert attempt(chosen).work().outcome == "finished"
    for name, weight in weights(chosen).items():
        assert torch.equal(weight, weights(short)[name]), name


def test_after_three_halvings_it_fails_and_says_what_to_try(store):
    run, chief = queued(store, **SETTINGS), chief_of(store, 0)
    already_halved(run, 32, 16, 8)
    until(lambda: run.status.state in ("finished", "failed"), chief.step, seconds=240)
    assert (run.status.state, run.status.reason) == ("failed", "oom")
    assert len(run.attempts()) == 4
    assert "8 images at once" in run.status.message
    # outside the trainer, which only pretends to lack memory, the whole batch fits
    assert re.search(r"At most \d+ at once fit now \(.* MB usable on cpu; .*\)", run.status.message)
    assert (run.status.suggestion, run.status.action) == (
        {},
        "The memory is free again: resume it.",
    )


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux refuses memory by such a limit")
def test_of_a_memory_that_is_really_too_small_it_says_how_many_images_fit(store):
    run = queued(store, **{**SETTINGS, "batch_size": 2000, "data": "synthetic:2400"})
    chief = Supervisor(store, command=in_little_memory, roster=lending(store, CPU))
    CHIEFS.append(chief)
    already_halved(run, 1000, 500)
    until(lambda: run.status.state in ("finished", "failed"), chief.step, seconds=240)
    assert (run.status.state, run.status.reason) == ("failed", "host_memory")
    assert "The memory was too small for 250 images at once" in run.status.message
    fits = int(re.search(r"At most (\d+) at once fit now", run.status.message)[1])
    (at_once,) = run.status.suggestion.values()
    assert 2 <= at_once <= fits < 250
    clone = queued(store, **{**run.settings, "micro_batch": at_once})
    until(lambda: clone.status.state in ("finished", "failed"), chief.step, seconds=240)
    assert (clone.status.state, len(clone.attempts())) == ("finished", 1)


def test_memory_that_vanishes_after_the_first_epoch_is_no_reason_to_compute_less(store):
    from cifar_core.runs.engine import halving

    run = store.create(queued(store, **SETTINGS).config)
    (run.path / "attempts/1").mkdir(parents=True)
    files.write_json(run.path / "attempts/1/attempt.json", {})
    assert halving.next_try(run, 1) == 32
    files.write_json(run.path / "summary.json", {"epochs_done": 1})
    assert halving.next_try(run, 1) == 0


def test_what_fits_is_measured_when_nothing_of_the_training_is_left(store, monkeypatch):
    worker, kept, left = attempt(store.create(TrainConfig(**SMALL))), [], []

    def fail(_):
        trainer = worker.trainer
        parts = (trainer, trainer.model, trainer.optimizer, trainer.train_batches, worker.dataset)
        kept.extend(weakref.ref(part) for part in parts)
        raise torch.OutOfMemoryError

    def measure(*_, **__):
        left.extend(type(part()).__name__ for part in kept if part() is not None)
        raise CifarError("That is all.")

    worker.after_steps = fail
    monkeypatch.setattr(halving, "next_try", lambda *_: 0)
    monkeypatch.setattr(largest_batch, "in_child", measure)
    result = run_attempt(worker)
    assert (result.outcome, result.reason) == ("failed", "oom")
    assert (len(kept), left) == (5, [])
    assert worker.rows.size == 0  # what the attempt's end needs is there
