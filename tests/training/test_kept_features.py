"""A head trained on kept features: the same curves, the same checkpoint, once the work."""

import json
import os
import shutil
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from run_helpers import attempt, store_without_executor
from safetensors.torch import save_file

from cifar_core import data, weights
from cifar_core.config import TrainConfig
from cifar_core.data.augmentation.augment import order
from cifar_core.data.batches import Batches
from cifar_core.disk import files, lock
from cifar_core.errors import CifarError
from cifar_core.models import MODELS
from cifar_core.runs.engine.worker.training_worker import Worker, run_attempt
from cifar_core.runs.prepare import feature_files, pretrained
from cifar_core.runs.prepare.kept_features import keep_features
from cifar_core.runs.record import checkpoints, control
from cifar_core.runs.results.classifier import load_classifier
from cifar_core.runs.results.evaluation import evaluate_run
from cifar_core.training import extractor as extracting
from cifar_core.training.events import EpochEvent, StepEvent, Tick
from cifar_core.training.extractor import different, extract, fold, make_extractor, trunk_of
from cifar_core.training.features import FeatureBatches, HeadOnFeatures, width_of
from cifar_core.training.setup import prepare
from cifar_core.training.step.precision import choose_precision

KEY = "mobilenet_v2_imagenet"
SETTINGS = {
    "data": "synthetic:200",
    "model": KEY,
    "resolution": 32,
    "val_fraction": 0.2,
    "epochs": 3,
    "batch_size": 16,
    "optimizer": "adamw",
    "learning_rate": 0.01,
    "threads": 1,
    "device": "cpu",
    "precision": "float32",
}
FP32 = choose_precision("float32", "cpu")
IMAGES = 2 * 160 + 40 + 40  # two views, validation, test


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A store in which random numbers pass for the weights of one network."""
    folder = tmp_path_factory.mktemp("features")
    torch.manual_seed(5)
    save_file(MODELS[KEY].build(10).body.state_dict(), folder / "given.safetensors")
    with store_without_executor(folder / "store") as store:
        pretrained.import_weights(folder / "given.safetensors", store.root, KEY)
        yield store


def new_run(store, **settings):
    return store.create(TrainConfig(**{**SETTINGS, **settings}))


def finished(store, **settings):
    run = new_run(store, **settings)
    result = attempt(run).work()
    assert result.outcome == "finished"
    return run


def drop_features(store):
    shutil.rmtree(store.root / "features", ignore_errors=True)


def curves(run):
    kinds = ("loss", "train_loss", "val_loss", "val_accuracy", "test_loss", "test_accuracy")
    return [{k: row[k] for k in kinds if k in row} for row in run.metrics()]


def setup(store, **settings):
    config = TrainConfig(**{**SETTINGS, **settings})
    dataset = data.load("synthetic:200", store.root)
    tensors, _ = pretrained.load(config, store.root)
    return prepare(config, dataset, "cpu", tensors), dataset


def compute(made, dataset, root, stop_after=None):
    """Compute features as the worker does; return how many images were passed through."""
    said, count = [], 0
    for tick in keep_features(made, dataset.fingerprint, root, said.append):
        assert tick.phase == "features"
        count += 1
        if count == stop_after:
            break
    return count, said


# what the head reads


def test_features_come_in_the_order_of_the_images_and_every_view_in_turn():
    views = [torch.arange(10.0)[:, None] + 100 * v for v in range(3)]
    labels = np.arange(10)
    batches = FeatureBatches(views, labels, batch_size=4, seed=7, shuffle=True, drop_last=True)
    assert len(batches) == 2
    epochs = [list(batches.epoch(number)) for number in range(3)]
    for number, epoch in enumerate(epochs):
        features = torch.cat([f for f, _ in epoch]).flatten()
        expected = order(10, seed=7, epoch=number)[:8]
        assert (features % 100).tolist() == expected.tolist()
        assert torch.equal(torch.cat([y for _, y in epoch]), torch.from_numpy(expected))
    seen = [{}, {}, {}]
    for number in range(3):
        for batch, _ in FeatureBatches(views, labels, batch_size=10, seed=7).epoch(number):
            seen[number] = (batch.flatten() // 100).tolist()
    assert all(sorted(shown) == [0, 1, 2] for shown in zip(*seen, strict=True))
    (rest,) = batches.epoch(1, start=1)
    assert torch.equal(rest[0], epochs[1][1][0])


@pytest.mark.parametrize("key", [KEY, "resnet18_imagenet", "densenet121_imagenet",
                                 "vit_b_16_imagenet", "vig_ti_imagenet"])  # fmt: skip
def test_the_head_on_features_says_what_the_whole_network_says(key):
    spec = MODELS[key]
    torch.manual_seed(2)
    model = spec.build(4, resolution=32).eval()
    before = {name: t.clone() for name, t in model.state_dict().items()}
    images = torch.rand(5, 3, 32, 32)
    head = model.get_submodule(spec.head)
    trunk = trunk_of(model, spec.head)
    features = trunk(images)
    assert features.shape == (5, width_of(head))
    with torch.no_grad():
        torch.testing.assert_close(HeadOnFeatures(head)(features), model(images))
    assert all(torch.equal(t, before[name]) for name, t in model.state_dict().items())


@pytest.mark.parametrize("key", [KEY, "resnet50_imagenet", "vgg16_bn_imagenet",
                                 "densenet121_imagenet", "convnext_tiny_imagenet"])  # fmt: skip
def test_folding_the_norms_changes_nothing_but_rounding_and_leaves_the_network_alone(key):
    spec = MODELS[key]
    torch.manual_seed(2)
    model = spec.build(4, resolution=32).eval()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.2, 0.2)
            module.running_var.uniform_(0.5, 2)
    trunk, images = trunk_of(model, spec.head), torch.rand(3, 3, 32, 32)
    before, norms = trunk(images), sum(isinstance(m, torch.nn.BatchNorm2d) for m in trunk.modules())
    folded = fold(trunk)
    left = sum(isinstance(m, torch.nn.BatchNorm2d) for m in folded.modules())
    assert left < norms or norms == 0
    assert different(before, folded(images)) < 1e-4
    assert torch.equal(trunk(images), before)


def test_a_network_whose_norms_do_not_follow_its_convolutions_is_not_folded():
    class Crossed(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.norm, self.head = (
                torch.nn.Conv2d(3, 3, 1), torch.nn.BatchNorm2d(3), torch.nn.Linear(3, 2),
            )  # fmt: skip

        def forward(self, x):
            return self.head(self.conv(torch.relu(self.norm(x) - 0.5)).mean((2, 3)))

    model = Crossed().eval()
    model.norm.running_mean.fill_(0.7)
    made = make_extractor(model, "head", FP32, side=32, pixels=0, batch_size=0)
    images = torch.rand(2, 3, 32, 32)
    assert torch.equal(made.run(images), trunk_of(model, "head")(images))


def test_a_network_without_norms_computes_in_bfloat16_and_leaves_the_weights_in_float32():
    spec = MODELS[KEY]
    torch.manual_seed(2)
    model = spec.build(4, resolution=64).eval()
    made = make_extractor(
        model, spec.head, choose_precision("bfloat16", "cpu"), side=32, pixels=0, batch_size=0
    )
    images = torch.rand(4, 3, 32, 32)
    found, exact = made.run(images), trunk_of(model, spec.head)(images)
    assert found.dtype == torch.bfloat16
    assert 0 < different(exact, found.float()) < 0.1
    assert {p.dtype for p in model.parameters()} == {torch.float32}


def test_a_machine_without_a_compiler_computes_the_same_and_says_why(monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("no C++ compiler was found\nmore")

    monkeypatch.setattr(torch, "compile", broken)
    monkeypatch.setattr(extracting, "GAINS_BY_COMPILING", lambda: True)
    model = MODELS[KEY].build(4, resolution=32).eval()
    made = make_extractor(model, MODELS[KEY].head, FP32, side=32, pixels=10**9, batch_size=4)
    assert made.sentence.endswith("cannot be compiled: no C++ compiler was found")
    images = torch.rand(2, 3, 32, 32)
    assert different(trunk_of(model, MODELS[KEY].head)(images), made.run(images)) < 1e-4


def test_a_compiled_network_sees_batches_of_one_size_only(monkeypatch):
    sizes = []
    fixed = extracting.Extractor(
        lambda images: sizes.append(len(images)) or images.mean(dim=(2, 3)), "", batch_size=4
    )
    pixels = np.random.default_rng(0).integers(0, 256, (10, 32, 32, 3)).astype(np.uint8)
    batches = Batches(pixels, np.zeros(10, np.int64), batch_size=4)
    whole = np.concatenate(list(extract(fixed, batches, FP32)))
    assert sizes == [4, 4, 4]
    np.testing.assert_allclose(whole, pixels.mean(axis=(1, 2)) / 255, rtol=1e-5)
    for start in (3, 4, 9):
        np.testing.assert_array_equal(
            np.concatenate(list(extract(fixed, batches, FP32, start=start))), whole[start:]
        )


# the store


def produce(rows, width, log, step=4):
    """Give features that tell their row, `step` at a time, and log where it began."""

    def compute(start):
        log.append(start)
        for first in range(start, rows, step):
            last = min(first + step, rows)
            yield np.repeat(np.arange(first, last, dtype=np.float32)[:, None], width, axis=1)

    return compute


def test_kept_features_are_computed_once_and_read_back(tmp_path):
    place, log = feature_files.entry(tmp_path, {"model": "m"}, 10, 3), []
    assert list(feature_files.fill(place, produce(10, 3, log))) == [4, 8, 10]
    assert list(feature_files.fill(place, produce(10, 3, log))) == []
    assert log == [0]
    array = place.open()
    assert (array.shape, array.dtype) == ((10, 3), np.float32)
    assert array[:, 0].tolist() == list(range(10))
    assert isinstance(array, np.memmap)


def test_a_computation_that_was_stopped_goes_on_where_it_was(tmp_path):
    place, log = feature_files.entry(tmp_path, {"model": "m"}, 10, 3), []
    for done in feature_files.fill(place, produce(10, 3, log)):
        if done == 8:
            break
    assert place.done == 8
    list(feature_files.fill(place, produce(10, 3, log)))
    assert log == [0, 8]
    assert place.open()[:, 2].tolist() == list(range(10))


def test_rows_that_a_killed_process_had_not_vouched_for_are_computed_again(tmp_path):
    place, log = feature_files.entry(tmp_path, {"model": "m"}, 10, 3), []
    for done in feature_files.fill(place, produce(10, 3, log)):
        if done == 8:
            break
    place.commit(4)  # what a kill leaves: more bytes than are vouched for
    with place.path.open("ab") as file:
        file.write(b"half a row")
    list(feature_files.fill(place, produce(10, 3, log)))
    assert log == [0, 4]
    assert place.open()[:, 0].tolist() == list(range(10))


def test_features_whose_file_was_cut_short_are_computed_again(tmp_path):
    place, log = feature_files.entry(tmp_path, {"model": "m"}, 10, 3), []
    list(feature_files.fill(place, produce(10, 3, log)))
    os.truncate(place.path, 60)
    assert place.done == 0
    list(feature_files.fill(place, produce(10, 3, log)))
    assert place.open()[:, 0].tolist() == list(range(10))


def test_whatever_changes_the_features_changes_their_place(tmp_path):
    known = {"model": "m", "weights": "a", "data": "d", "resolution": 96, "precision": "float32"}
    here = feature_files.entry(tmp_path, known, 10, 3).folder
    assert feature_files.entry(tmp_path, known, 10, 3).folder == here
    for name in known:
        assert feature_files.entry(tmp_path, {**known, name: "other"}, 10, 3).folder != here


def test_what_another_process_computes_is_waited_for_and_taken_over_if_it_dies(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(feature_files, "WAIT_SECONDS", 0.001)
    place, log = feature_files.entry(tmp_path, {"model": "m"}, 10, 3), []
    place.folder.mkdir(parents=True)
    other = lock.take(place.folder / "lock")
    waiting = feature_files.fill(place, produce(10, 3, log))
    assert [next(waiting), next(waiting)] == [0, 0]
    assert log == []
    os.close(other)
    assert list(waiting) == [4, 8, 10]


def test_the_features_used_longest_ago_make_room(tmp_path, monkeypatch):
    places = [feature_files.entry(tmp_path, {"model": str(i)}, 1000, 10) for i in range(3)]
    for number, place in enumerate(places):
        list(feature_files.fill(place, produce(1000, 10, [], step=500)))
        meta = files.read_json(place.folder / "meta.json")
        files.write_json(place.folder / "meta.json", {**meta, "used_at": time.time() - number})
    new = feature_files.entry(tmp_path, {"model": "new"}, 1000, 10)
    monkeypatch.setenv(feature_files.LIMIT_VARIABLE, str(3 * 41e3 / 1e9))
    feature_files.make_room(tmp_path, [new])
    assert [place.folder.exists() for place in places] == [True, True, False]
    feature_files.make_room(tmp_path, [new, places[1]])
    assert [place.folder.exists() for place in places] == [True, True, False]
    monkeypatch.setenv(feature_files.LIMIT_VARIABLE, str(2 * 41e3 / 1e9))
    feature_files.make_room(tmp_path, [new, places[1]])
    assert [place.folder.exists() for place in places] == [False, True, False]


def test_a_limit_that_is_no_number_is_a_sentence(monkeypatch):
    monkeypatch.setenv(feature_files.LIMIT_VARIABLE, "much")
    with pytest.raises(CifarError, match="number of gigabytes"):
        feature_files.limit_bytes()


# runs


def test_a_run_on_kept_features_has_the_curves_of_one_that_computes_them_each_time(store):
    drop_features(store)
    plain = {"crop_padding": 0, "flip": False}
    kept, anew = finished(store, **plain), finished(store, **plain, cached_views=0)
    for one, other in zip(curves(kept), curves(anew), strict=True):
        assert one == pytest.approx(other, abs=2e-3)
    assert len(list((store.root / "features").iterdir())) == 3  # one view, as there is but one


def test_the_checkpoint_of_a_run_on_features_is_a_network_that_takes_images(store):
    run = finished(store)
    score = evaluate_run(run, "test")
    assert score.accuracy == pytest.approx(run.summary.test_accuracy)
    assert score.loss == pytest.approx(run.summary.test_loss, abs=1e-3)
    saved = checkpoints.load_model(run.checkpoint("best").path)
    published = weights.load(weights.find(KEY, store.root), pretrained.layout_of(MODELS[KEY]))
    assert all(torch.equal(saved[name], tensor) for name, tensor in published.items())
    assert load_classifier(run).layer is not None


def test_a_head_of_averaged_weights_is_saved_as_it_was_validated(store):
    run = finished(store, ema_epochs=0.5)
    assert evaluate_run(run, "val").accuracy == pytest.approx(run.summary.best_val_accuracy)
    plain, averaged = (checkpoints.load_model(r.checkpoint("last").path)
                       for r in (finished(store), run))  # fmt: skip
    assert {n for n, t in plain.items() if not torch.equal(averaged[n], t)} == {
        f"{MODELS[KEY].head}.{name}" for name in ("weight", "bias")
    }


def test_only_what_learns_is_averaged(store):
    made, _ = setup(store, ema_epochs=0.5)
    assert [mean.shape for mean in made.trainer.average.averages] == [(10, 1280), (10,)]
    made, _ = setup(store, ema_epochs=0.5, plan="full")
    assert len(made.trainer.average.averages) == len(made.trainer.trained) + 2 * 52  # its norms


def test_a_run_records_its_weights_and_its_progress_through_the_features(store):
    drop_features(store)
    run = finished(store)
    record = run.environment.weights
    assert record.sha256 == weights.find(KEY, store.root).sha256
    assert record.key == KEY
    assert record.source.endswith(".")
    assert run.summary.features.done == run.summary.features.total == IMAGES


def test_a_second_run_computes_nothing_and_another_head_gives_other_curves(store):
    first = finished(store)
    started = [f.stat().st_mtime_ns for f in sorted(store.root.glob("features/*/features.npy"))]
    second, other = finished(store), finished(store, seed=1)
    now = [f.stat().st_mtime_ns for f in sorted(store.root.glob("features/*/features.npy"))]
    assert now == started
    assert curves(first) == curves(second) != curves(other)
    assert second.summary.features is None


@pytest.mark.parametrize(
    "change",
    [{"resolution": 48}, {"crop_padding": 2}, {"split_seed": 1}, {"precision": "bfloat16"},
     {"cached_views": 3}],
    ids=str,
)  # fmt: skip
def test_features_of_other_settings_are_not_taken_for_these(store, change):
    made, dataset = setup(store)
    compute(made, dataset, store.root)
    assert compute(made, dataset, store.root)[0] == 0
    other, dataset = setup(store, **change)
    assert compute(other, dataset, store.root)[0] > 0


def test_features_of_other_weights_are_not_taken_for_these(store):
    made, dataset = setup(store)
    compute(made, dataset, store.root)
    with torch.no_grad():
        next(iter(made.trainer.model.parameters())).mul_(1.001)
    assert compute(made, dataset, store.root)[0] > 0


def test_a_stop_in_the_middle_of_the_features_is_obeyed_and_what_is_done_is_kept(store, capsys):
    drop_features(store)
    whole = curves(finished(store))
    drop_features(store)
    run = new_run(store)
    worker, attend, seen = attempt(run), Worker.attend, []

    def attend_and_stop(phase=""):
        seen.append(1)
        if len(seen) == 3:
            control.write(run.path, "now")
        return attend(worker, phase)

    worker.attend = attend_and_stop
    assert worker.work().outcome == "stopped"
    assert len(seen) == 3
    assert run.checkpoints() == []
    there = [json.loads(p.read_text())["done"] for p in store.root.glob("features/*/meta.json")]
    assert sum(there) == 150
    control.write(run.path, "")
    assert attempt(run, 2).work().outcome == "finished"
    assert "Features of 150 of 400 images exist; 250 to compute." in capsys.readouterr().out
    assert curves(run) == whole


def test_a_run_on_features_resumed_in_mid_epoch_ends_like_one_that_was_not(store):
    whole = finished(store)
    run = new_run(store)
    worker, ticks = attempt(run), []
    attend = worker.attend

    def attend_and_pause(phase=""):
        ticks.append(1)
        if len(ticks) == 14:  # in the second epoch
            control.write(run.path, "pause")
        return attend(phase)

    worker.attend = attend_and_pause
    assert worker.work().outcome == "paused"
    assert 0 < run.checkpoints()[0].epoch % 1 < 1
    control.write(run.path, "")
    weights_folder = weights.folder_of(store.root)
    hidden = weights_folder.rename(weights_folder.with_name("hidden"))
    try:  # a checkpoint holds the whole network, so the weights are not needed again
        assert attempt(run, 2).work().outcome == "finished"
    finally:
        hidden.rename(weights_folder)
    assert curves(run) == curves(whole)
    assert run.environment.weights == whole.environment.weights
    best, other = (checkpoints.load_model(r.checkpoint("best").path) for r in (run, whole))
    assert all(torch.equal(tensor, other[name]) for name, tensor in best.items())


def test_features_beyond_the_limit_are_computed_in_every_epoch(store, monkeypatch):
    drop_features(store)
    monkeypatch.setenv(feature_files.LIMIT_VARIABLE, "0.0001")
    made, dataset = setup(store, epochs=1)
    count, said = compute(made, dataset, store.root)
    assert count == 0
    assert "more than the limit of 0.0001 GB" in said[0]
    assert made.trainer.learner is made.trainer.model
    assert any(isinstance(event, EpochEvent) for event in made.trainer.run())


def test_a_run_without_its_weights_fails_and_says_what_to_do(store):
    run = new_run(store, model="resnet18_imagenet")
    result = run_attempt(attempt(run))
    assert (result.outcome, result.reason) == ("failed", "weights")
    assert "weights fetch resnet18_imagenet" in result.message


def test_other_plans_train_from_the_weights_too(store):
    run = finished(store, plan="gradual", head_epochs=1, epochs=2)
    assert run.environment.weights.key == KEY
    assert run.summary.epochs_done == 2


def test_the_estimate_tells_the_time_of_the_features_apart(store):
    from cifar_core.runs.prepare.epoch_time import trial

    config = TrainConfig(**SETTINGS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cifar_core.runs.prepare.epoch_time.MEASURED_SECONDS", 0.1)
        kept = trial(config, store.root)
        anew = trial(replace(config, cached_views=0), store.root)
    assert kept.features_seconds > 0
    assert kept.total_seconds > kept.features_seconds
    assert anew.features_seconds == 0
    assert kept.seconds_per_epoch < anew.seconds_per_epoch


def test_a_run_on_features_reports_its_steps_as_any_other(store):
    made, dataset = setup(store, epochs=1)
    compute(made, dataset, store.root)
    steps = made.trainer.steps_per_epoch
    seen = list(made.trainer.run())
    assert [e.step for e in seen if isinstance(e, StepEvent)] == list(range(1, steps + 1))
    assert [(e.phase, e.done) for e in seen if isinstance(e, Tick)][:2] == [
        ("train", 1), ("train", 2),
    ]  # fmt: skip
