import json
import math
import os
import signal

import pytest
from run_helpers import SMALL, attempt, store_without_executor, timeless, weights_of

from cifar_core.config import TrainConfig
from cifar_core.disk import files
from cifar_core.inference import predict
from cifar_core.numbers import percent
from cifar_core.runs.engine.worker.training_worker import run_attempt
from cifar_core.runs.record import checkpoints, control, metrics
from cifar_core.runs.record.summary import views_note
from cifar_core.runs.results.classifier import load_classifier
from cifar_core.runs.results.evaluation import evaluate_run


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with store_without_executor(tmp_path_factory.mktemp("worker") / "store") as store:
        yield store


def new_run(store, **settings):
    return store.create(TrainConfig(**{**SMALL, **settings}))


@pytest.fixture(scope="module")
def undisturbed(store):
    """A run that nobody interrupts; the others are compared with it."""
    run = new_run(store)
    assert attempt(run, 1).work().outcome == "finished"
    return run


class PulledPlugError(Exception):
    """Stands for a power cut: nothing after it is executed."""


def work_until(worker, row):
    """Train, and cut the power as soon as so many rows have been kept."""
    keep, kept = worker.keep, []

    def keep_or_die(event):
        keep(event)
        kept.append(event)
        if len(kept) == row:
            raise PulledPlugError

    worker.keep = keep_or_die
    with pytest.raises(PulledPlugError):
        worker.work()


def kept_epochs(run):
    return [(info.epoch, info.resumable) for info in run.checkpoints()]


def looked_back_at(run):
    return [info.epoch for info in run.checkpoints() if not info.resumable]


def assert_same(run, other):
    assert timeless(run.metrics()) == timeless(other.metrics())
    for name in ("last", "best"):
        assert weights_of(run, name) == weights_of(other, name)
    assert run.checkpoint("best").best
    assert looked_back_at(run) == looked_back_at(other)
    same = ("step", "epochs_done", "history", "best_epoch", "test_accuracy", "total_steps")
    assert [getattr(run.summary, k) for k in same] == [getattr(other.summary, k) for k in same]


def test_a_finished_run_has_all_its_rows_files_and_numbers(undisturbed):
    rows = undisturbed.metrics()
    kinds = [row["kind"] for row in rows]
    assert kinds.count("epoch") == 3
    assert kinds[-1] == "test"
    steps = [row["step"] for row in rows if row["kind"] == "step"]
    assert steps == list(range(1, 31))  # 160 images, 16 a batch, 3 epochs; each step reported
    summary = undisturbed.summary
    best = max(row["val_accuracy"] for row in rows if row["kind"] == "epoch")
    assert summary.best_val_accuracy == best
    assert summary.sparkline == [r["val_accuracy"] for r in rows if r["kind"] == "epoch"]
    data = undisturbed.environment.data
    assert (data.train_images, data.val_images, data.test_images) == (160, 40, 40)
    assert undisturbed.environment.threads == 1
    assert undisturbed.checkpoint("best").epoch == summary.best_epoch
    assert undisturbed.checkpoint("last").step == 30


def test_every_number_on_disk_is_finite(undisturbed):
    for path in undisturbed.path.rglob("*.json"):
        json.loads(path.read_text(), parse_constant=pytest.fail)
    for line in metrics.metrics_path(undisturbed.path, 1).read_text().splitlines():
        json.loads(line, parse_constant=pytest.fail)
    assert all(math.isfinite(row["loss"]) for row in undisturbed.metrics() if "loss" in row)


@pytest.mark.parametrize("row", [1, 11, 12, 34])
def test_a_run_cut_off_anywhere_ends_like_one_that_was_not(store, undisturbed, row):
    run = new_run(store)
    work_until(attempt(run, 1), row)
    assert attempt(run, 2).work().outcome == "finished"
    assert_same(run, undisturbed)


def test_a_run_cut_off_again_and_again_ends_like_one_that_was_not(store, undisturbed):
    run = new_run(store)
    for number, row in enumerate([13, 4, 14, 2], start=1):
        work_until(attempt(run, number), row)
    assert attempt(run, 5).work().outcome == "finished"
    assert_same(run, undisturbed)


def test_averaged_weights_are_resumed_tested_and_kept_as_the_runs_weights(store):
    settings = {"ema_epochs": 0.5, "precision": "float32"}  # in which it is evaluated again
    whole, cut = new_run(store, **settings), new_run(store, **settings)
    assert attempt(whole, 1).work().outcome == "finished"
    work_until(attempt(cut, 1), 13)
    assert attempt(cut, 2).work().outcome == "finished"
    assert_same(cut, whole)
    val, test = evaluate_run(whole, "val"), evaluate_run(whole, "test")
    best = max(r["val_accuracy"] for r in whole.metrics() if r["kind"] == "epoch")
    assert (val.accuracy, test.accuracy) == (best, whole.summary.test_accuracy)
    assert test.loss == pytest.approx(whole.summary.test_loss)


def test_of_the_epochs_to_look_back_at_the_weights_are_kept(store):
    run = new_run(store, epochs=5, keep_checkpoints=2, learning_rate=1e-6)
    attempt(run, 1).work()
    best = run.checkpoint("best").epoch
    kept = dict(kept_epochs(run))
    assert kept == {1: best == 1, 3: best == 3, 4: True, 5: True, best: True}
    assert load_classifier(run, run.checkpoints()[-1].name).classes


def test_the_test_images_are_shown_as_asked_and_the_validation_images_as_they_are(
    store, undisturbed
):
    run = new_run(store, test_views="mirror")
    result = attempt(run, 1).work()
    assert [row for row in timeless(run.metrics()) if row["kind"] != "test"] == [
        row for row in timeless(undisturbed.metrics()) if row["kind"] != "test"
    ]
    summary, plain = run.summary, undisturbed.summary
    assert summary.test_plain_accuracy == plain.test_accuracy
    assert summary.test_loss != plain.test_loss
    assert result.message.endswith(
        f"test accuracy {percent(summary.test_accuracy)} with mirrored views, "
        f"{percent(plain.test_accuracy)} without."
    )
    assert views_note(plain) == ""
    again = evaluate_run(run, "test")
    assert (again.accuracy, again.plain_accuracy) == (
        summary.test_accuracy, summary.test_plain_accuracy)  # fmt: skip
    assert evaluate_run(run, "val").views == "plain"


def test_checkpoints_inside_an_epoch_change_nothing(store, undisturbed, monkeypatch):
    monkeypatch.setattr("cifar_core.runs.engine.worker.training_worker.SAVE_SECONDS", 0.0)
    run = new_run(store)
    work_until(attempt(run, 1), 17)
    assert run.checkpoint("last").step == 15  # the sixteenth step's row came, its save did not
    assert attempt(run, 2).work().outcome == "finished"
    assert_same(run, undisturbed)


def test_a_damaged_checkpoint_is_passed_over_and_said(store, undisturbed):
    run = new_run(store)
    work_until(attempt(run, 1), 25)
    path = run.checkpoint("last").path / checkpoints.MODEL
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert attempt(run, 2).work().outcome == "finished"
    assert_same(run, undisturbed)
    assert "00000020-a1" in run.attempts()[1].note
    assert run.attempts()[1].from_step == 10


def test_stopping_after_the_epoch_then_resuming_changes_nothing(store, undisturbed):
    run = new_run(store)
    control.write(run.path, "epoch")
    result = attempt(run, 1).work()
    assert (result.outcome, result.message) == ("stopped", "Stopped after epoch 1, as requested.")
    assert run.summary.step == 10
    control.write(run.path, "")
    assert attempt(run, 2).work().outcome == "finished"
    assert_same(run, undisturbed)


@pytest.mark.parametrize(("request_", "outcome"), [("now", "stopped"), ("pause", "paused")])
@pytest.mark.parametrize("row", [6, 10])
def test_stopping_or_pausing_now_then_resuming_changes_nothing(
    store, undisturbed, request_, outcome, row
):
    run = new_run(store)
    worker = attempt(run, 1)
    keep, kept = worker.keep, []

    def keep_and_ask(event):
        keep(event)
        kept.append(event)
        if len(kept) == row:
            control.write(run.path, request_)

    worker.keep = keep_and_ask
    assert worker.work().outcome == outcome
    assert run.checkpoint("last").step == row
    control.write(run.path, "")
    assert attempt(run, 2).work().outcome == "finished"
    assert_same(run, undisturbed)


def test_a_system_that_shuts_down_interrupts_with_a_checkpoint(store):
    run = new_run(store)
    worker = attempt(run, 1)
    worker.terminated = True
    assert worker.work().outcome == "interrupted"
    assert run.checkpoint("last").step == 1


def test_a_kill_that_comes_as_sigterm_saves_nothing(store, monkeypatch):
    run = new_run(store)
    worker = attempt(run, 1)

    def die(pid, number):
        assert (pid, number) == (os.getpid(), signal.SIGKILL)
        raise SystemExit

    monkeypatch.setattr(os, "kill", die)
    control.write(run.path, "kill")
    worker.terminated = True
    with pytest.raises(SystemExit):
        worker.work()
    assert run.checkpoints() == []


def test_early_stopping_finishes_and_says_so(store):
    run = new_run(store, epochs=50, patience=1, min_delta=0.4)
    result = attempt(run, 1).work()
    assert result.outcome == "finished"
    assert "early stopping" in result.message
    assert run.summary.epochs_done < 50


def test_a_loss_that_is_no_number_fails_with_advice(store):
    worker = attempt(new_run(store), 1)
    prepare = worker.prepare

    def prepare_and_poison():
        prepare()
        next(worker.trainer.model.parameters()).data.fill_(float("nan"))

    worker.prepare = prepare_and_poison
    result = run_attempt(worker)
    assert (result.outcome, result.reason) == ("failed", "diverged")
    assert "learning rate" in result.message


def test_settings_that_were_edited_out_of_range_fail_with_the_setting_named(store):
    run = new_run(store)
    path = run.path / "config.json"
    files.write_json(path, {**files.read_json(path), "learning_rate": 1e6})
    result = run_attempt(attempt(run, 1))
    assert (result.outcome, result.reason) == ("failed", "settings")
    assert "learning_rate" in result.message


def test_images_that_changed_since_are_refused(store):
    run = new_run(store)
    work_until(attempt(run, 1), 12)
    path = run.path / "environment.json"
    environment = files.read_json(path)
    environment["data"]["fingerprint"] = "another"
    files.write_json(path, environment)
    result = run_attempt(attempt(run, 2))
    assert (result.outcome, result.reason) == ("failed", "data")
    assert "clone the run" in result.message


def test_a_batch_larger_than_the_set_fails_with_advice(store):
    result = run_attempt(attempt(new_run(store, batch_size=512), 1))
    assert (result.outcome, result.reason) == ("failed", "data")
    assert "batch_size is 512" in result.message


def test_the_best_weights_become_a_classifier(undisturbed):
    import torch

    classifier = load_classifier(undisturbed)
    answers = predict(classifier, torch.rand(3, 3, 32, 32))
    assert answers.shape == (3, 10)
    assert torch.allclose(answers.sum(dim=1), torch.ones(3))
    assert classifier.classes == tuple(undisturbed.environment.data.classes)
    assert undisturbed.name in classifier.title


def test_damaged_best_weights_do_not_become_a_classifier(store):
    from cifar_core.errors import CheckpointError

    run = new_run(store, epochs=1)
    attempt(run, 1).work()
    path = run.checkpoint("best").path / checkpoints.MODEL
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match="checksum"):
        load_classifier(run)


def test_a_run_without_a_checkpoint_says_when_there_will_be_one(store):
    from cifar_core.errors import RunError

    with pytest.raises(RunError, match="end of each epoch"):
        load_classifier(new_run(store))
