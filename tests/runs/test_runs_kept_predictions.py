"""The trainer keeps the predictions that it makes anyway: the same numbers, and no look unasked."""

import io
import zipfile

import numpy as np
import pytest
from run_helpers import attempt, store_without_executor
from test_runs_worker import work_until

from cifar_core.config import TrainConfig
from cifar_core.data import load
from cifar_core.disk import arrays, files
from cifar_core.errors import ArchiveError, DiskFullError
from cifar_core.report.account import account_of
from cifar_core.report.model_card import weakest
from cifar_core.runs.exchange.import_run import import_run
from cifar_core.runs.exchange.run_zip import export_run
from cifar_core.runs.record.records import Looks
from cifar_core.runs.results import predictions, test_looks
from cifar_core.runs.results.predictions import compute, indexes_of, kept, path_of
from cifar_core.runs.store import damage
from cifar_core.training import evaluate

SETTINGS = {"data": "synthetic:300", "val_fraction": 0.2, "epochs": 3, "batch_size": 16,
            "learning_rate": 0.02, "threads": 1, "device": "cpu"}  # fmt: skip


def trained(store, **changes):
    run = store.create(TrainConfig(**{**SETTINGS, **changes}))
    assert attempt(run, 1).work().outcome == "finished"
    return run


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with store_without_executor(tmp_path_factory.mktemp("kept") / "store") as store:
        yield store


@pytest.fixture(scope="module")
def run(store):
    """A run in bfloat16, whose numbers differ from those of a later evaluation in float32."""
    return trained(store, precision="bfloat16", test_views="mirror")


def rows_of(run, kind):
    return [row for row in run.metrics() if row["kind"] == kind]


def test_every_checkpoint_of_an_epochs_end_has_the_predictions_behind_its_accuracy(run):
    by_step = {row["step"]: row for row in rows_of(run, "epoch")}
    for info in run.checkpoints():
        found, row = kept(run, "val", info.name), by_step[info.step]
        assert found.from_training
        assert found.precision == "bfloat16"
        assert found.right.mean() == pytest.approx(row["val_accuracy"], abs=1e-7)
        chosen = found.probabilities()[np.arange(len(found.labels)), found.labels]
        assert -np.log(chosen).mean() == pytest.approx(row["val_loss"], rel=1e-5)


def test_the_test_at_the_end_is_kept_as_it_was_without_test_views(run):
    (row,) = rows_of(run, "test")
    found = kept(run, "test")
    assert found.right.mean() == pytest.approx(row["plain_accuracy"], abs=1e-7)
    assert len(found.labels) == row["images"]


def test_they_name_the_images_and_labels_of_their_split(run):
    images = load(run.source, run.store_root).train
    found = kept(run, "val")
    assert (found.indexes == indexes_of(run, "val", images)).all()
    assert (found.labels == images.labels[found.indexes]).all()
    assert found.classes == tuple(run.environment.data.classes)


def test_computed_again_in_float32_they_are_nearly_the_same(run):
    before, path = kept(run, "val"), path_of(run, "val", run.checkpoint().name)
    data = path.read_bytes()
    after = compute(run, "val")
    path.write_bytes(data)
    assert not after.from_training
    assert after.precision == "float32"
    assert np.abs(after.probabilities() - before.probabilities()).max() < 0.05


def test_a_run_that_was_cut_off_keeps_the_same_predictions(store):
    whole, cut = trained(store), store.create(TrainConfig(**SETTINGS))
    work_until(attempt(cut, 1), 7)
    assert attempt(cut, 2).work().outcome == "finished"
    for part in ("val", "test"):
        assert (kept(cut, part).logits == kept(whole, part).logits).all()


def test_predictions_go_with_their_checkpoint(store):
    run = trained(store, epochs=6, keep_checkpoints=1)
    names = {info.name for info in run.checkpoints()}
    files_of = {path.name.rsplit("-", 1)[0] for path in run.path.glob("predictions/*-val.*")}
    assert files_of == names
    assert len(names) < 6


def test_of_a_very_large_set_none_are_kept(store, monkeypatch):
    monkeypatch.setattr(evaluate, "MOST_KEPT", 100)
    run = trained(store, epochs=1)
    assert kept(run, "val") is None
    assert kept(run, "test") is None


def test_a_full_disk_costs_the_predictions_and_not_the_run(store, monkeypatch):
    def refuse(*_):
        raise DiskFullError("a file of results", 1, 0)

    monkeypatch.setattr(predictions, "keep", refuse)
    assert kept(trained(store, epochs=1), "val") is None


def test_keeping_is_no_look_and_shows_no_class_unasked(run):
    assert [look.where for look in test_looks.looks(run)] == [test_looks.TRAINING_END]
    assert weakest(account_of(run)) == ""
    test_looks.count_look(run, "the page", run.checkpoint().name)
    assert weakest(account_of(run)) != ""
    files.write_json(run.path / "looks.json", Looks())


def test_damage_is_found_and_the_predictions_are_computed_again(store):
    run = trained(store, epochs=1)
    path = path_of(run, "val", run.checkpoint().name)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    (said,) = damage.damages(run, thorough=True)
    assert said.startswith(f"predictions/{path.name} is damaged.")
    assert kept(run, "val") is None
    assert kept(run, "test") is not None


def exported(run, weights="all"):
    file = io.BytesIO()
    export_run(run, file, weights)
    return file


def test_a_zip_carries_them_with_their_weights(store, run):
    there = import_run(store, exported(run))
    for part in ("val", "test"):
        assert (kept(there, part).logits == kept(run, part).logits).all()
        assert kept(there, part).from_training
    with zipfile.ZipFile(exported(run, "none")) as archive:
        assert not [name for name in archive.namelist() if name.startswith("predictions/")]


def forged(run, change):
    """Return a run's zip with other arrays in its validation predictions."""
    name = f"predictions/{run.checkpoint().name}-val.safetensors"
    file, target = exported(run), io.BytesIO()
    values, facts = arrays.sound(run.path / name)
    path = run.path.parent / "forged" / "x.safetensors"
    arrays.write(path, *change(dict(values), {k: v for k, v in facts.items() if k != "sha256"}))
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(target, "w") as new:
        for entry in old.namelist():
            new.writestr(entry, path.read_bytes() if entry == name else old.read(entry))
    path.unlink()
    path.parent.rmdir()
    return target


@pytest.mark.parametrize(
    "change",
    [
        lambda values, facts: ({**values, "labels": values["labels"] + 10}, facts),
        lambda values, facts: ({**values, "places": values["places"][:-1]}, facts),
        lambda values, facts: ({**values, "logits": values["logits"][:, :-1]}, facts),
        lambda values, facts: ({**values, "logits": values["logits"] * np.nan}, facts),
        lambda values, facts: ({"logits": values["logits"]}, facts),
        lambda values, facts: (values, {**facts, "classes": "[]"}),
        lambda values, facts: (values, {}),
    ],
)
def test_predictions_that_no_run_makes_are_refused(store, run, change):
    with pytest.raises(ArchiveError, match="damaged, or belongs to another run"):
        import_run(store, forged(run, change))
