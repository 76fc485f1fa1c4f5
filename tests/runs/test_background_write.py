from threading import Event

import pytest
from run_helpers import SMALL, attempt, store_without_executor, timeless, weights_of

from cifar_core.config import TrainConfig
from cifar_core.errors import DiskFullError, TrainingDivergedError
from cifar_core.runs.engine.worker.attempt import run_attempt
from cifar_core.runs.engine.worker.background_write import BackgroundWrite
from cifar_core.training.trainer import Trainer


class PulledPlugError(Exception):
    """Stands for a power cut: nothing after it is executed."""


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with store_without_executor(tmp_path_factory.mktemp("writes") / "store") as store:
        yield store


@pytest.fixture(scope="module")
def undisturbed(store):
    run = store.create(TrainConfig(**SMALL))
    assert attempt(run, 1).work().outcome == "finished"
    return run


def test_a_write_that_fails_is_noticed_and_can_be_tried_again():
    tries = []

    def write():
        tries.append(len(tries))
        if len(tries) < 3:
            raise OSError("full")

    writing = BackgroundWrite(write)
    writing.first.exception()  # wait for it
    assert writing.is_over
    for _ in range(2):
        with pytest.raises(OSError, match="full"):
            writing.complete()
    writing.complete()
    assert tries == [0, 1, 2]


def with_a_slow_disk(run, until, then=None):
    """Return an attempt whose first checkpoint is written only after row number `until`."""
    worker, released, kept = attempt(run, 1), Event(), []
    commit, keep = worker.commit, worker.keep

    def commit_late(*what):
        assert released.wait(60)
        commit(*what)

    def keep_and_release(event):
        keep(event)
        kept.append(event)
        if len(kept) == until:
            assert not run.checkpoints()
            released.set()
            if then:
                then(worker)

    worker.commit, worker.keep = commit_late, keep_and_release
    return worker


def test_training_goes_on_meanwhile_and_a_crash_then_loses_nothing(store, undisturbed):
    run = store.create(TrainConfig(**SMALL))

    def crash(worker):
        worker.saving.first.result()  # the checkpoint of the first epoch, in the second
        raise PulledPlugError

    with pytest.raises(PulledPlugError):
        with_a_slow_disk(run, until=15, then=crash).work()
    (first,) = run.checkpoints()
    assert first.epoch == 1
    assert attempt(run, 2).work().outcome == "finished"
    assert timeless(run.metrics()) == timeless(undisturbed.metrics())
    assert weights_of(run, "last") == weights_of(undisturbed, "last")


def test_the_end_of_a_run_waits_for_its_last_checkpoint(store, undisturbed):
    run = store.create(TrainConfig(**SMALL))
    rows = len(undisturbed.metrics())
    assert with_a_slow_disk(run, until=11 + 5).work().outcome == "finished"
    assert len(run.metrics()) == rows
    assert weights_of(run, "best") == weights_of(undisturbed, "best")


def test_the_summary_names_no_best_epoch_whose_weights_are_not_saved(store):
    run = store.create(TrainConfig(**SMALL))

    def crash(worker):
        worker.summarised_at = 0.0  # long ago
        worker.write_summary()
        raise PulledPlugError

    worker = attempt(run, 1)
    keep, kept = worker.keep, []

    def keep_and_crash(event):
        keep(event)
        kept.append(event)
        if len(kept) == 12:  # the first step of the second epoch
            crash(worker)

    worker.keep, worker.commit = keep_and_crash, lambda *_: Event().wait(0.5)
    with pytest.raises(PulledPlugError):
        worker.work()
    assert run.checkpoints() == []
    assert run.summary.best_epoch is None


def test_a_disk_that_is_full_at_the_end_does_not_hide_why_training_failed(store, monkeypatch):
    worker = attempt(store.create(TrainConfig(**SMALL)), 1)

    def fail(*_):
        raise DiskFullError("The disk is full.", needed=1, free=0)

    train = Trainer._train_epoch

    def diverge_later(trainer):
        if trainer.progress.epoch:
            worker.saving.first.exception()  # wait for it
            raise TrainingDivergedError("The loss became nan.")
        return train(trainer)

    worker.commit = fail
    monkeypatch.setattr(Trainer, "_train_epoch", diverge_later)
    result = run_attempt(worker)
    assert (result.outcome, result.reason) == ("failed", "diverged")
