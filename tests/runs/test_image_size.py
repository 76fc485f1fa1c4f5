"""The size of a run's images: chosen with a reason, decided at its first start, kept from then."""

import numpy as np
import pytest
from PIL import Image
from run_helpers import SMALL, attempt, store_without_executor, weights_of

from cifar_core import data
from cifar_core.config import TrainConfig
from cifar_core.data.cache import cache_folder
from cifar_core.data.dataset import SIZE
from cifar_core.data.decoding import engine
from cifar_core.data.sizing import USUAL, Sizing
from cifar_core.disk import files
from cifar_core.errors import ConfigError, DataError
from cifar_core.runs.prepare import epoch_time, image_size
from cifar_core.runs.prepare.image_size import Pictures, decided
from cifar_core.runs.results import comparison, predictions
from cifar_core.runs.results.evaluation import evaluate_run
from cifar_core.runs.store import image_sets

CPU, GPU = "cpu", "cuda:0"


@pytest.fixture
def store(tmp_path):
    with store_without_executor(tmp_path / "store") as made:
        yield made


def source_in(path, size, kinds=("cat", "dog"), train=10, test=3):
    """Make a folder of pictures of a size, and return it as a source."""
    random = np.random.default_rng(0)
    for part, amount in (("train", train), ("test", test)):
        for number, name in enumerate(kinds):
            folder = path / part / name
            folder.mkdir(parents=True)
            for at in range(amount):
                noise = random.integers(0, 128, (8, 8, 3), dtype=np.uint8) + 64 * number
                Image.fromarray(noise).resize(size).save(folder / f"{at}.png")
    return str(path.resolve())


def chosen(monkeypatch, tmp_path, device, typical, count=1000, **settings):
    """Return the decision for a set of pictures whose shorter sides are typically so long."""
    pictures = Pictures(count=count, typical=typical)
    monkeypatch.setattr(image_size, "pictures_of", lambda source, store: pictures)
    monkeypatch.setattr(image_size.find, "kept", lambda *_: None)
    config = TrainConfig(data="synthetic", **settings)
    return decided(config, tmp_path, device)


@pytest.mark.parametrize(
    ("device", "model", "typical", "side", "stored"),
    [
        (CPU, "simple_cnn", 32, 32, 32),
        (GPU, "resnet18", 40, 32, 32),
        (GPU, "resnet18", 8, 32, 32),
        (CPU, "simple_cnn", 50, 48, 48),
        (CPU, "simple_cnn", 56, 48, 55),
        (CPU, "simple_cnn", 375, 128, 146),
        (CPU, "simple_cnn", 64, 64, 64),
        (CPU, "mobilenet_v2_imagenet", 375, 128, 146),
        (CPU, "mobilenet_v2_imagenet", 100, 128, 128),
        (GPU, "mobilenet_v2_imagenet", 375, 224, 256),
        (GPU, "mobilenet_v2_imagenet", 240, 224, 224),
        (GPU, "resnet18", 375, 224, 256),
        (GPU, "resnet18", 100, 96, 96),
        (GPU, "vit_b_16_imagenet", 191, 176, 176),
        (CPU, "mobilenet_v2_imagenet", 36, 32, 32),
    ],
)
def test_the_size_suits_the_pictures_the_network_and_the_device(
    monkeypatch, tmp_path, device, model, typical, side, stored
):
    found = chosen(monkeypatch, tmp_path, device, typical, model=model)
    assert found.sizing == Sizing(side=side, stored=stored)
    assert side <= max(typical, SIZE) or "smaller pictures are enlarged" in found.reason
    assert found.reason.startswith(f"{side} x {side} pixels, ")
    assert found.reason.endswith(".")
    assert found.problem == ""


def test_the_reason_says_what_decided_and_what_more_would_cost(monkeypatch, tmp_path):
    def reason(*where, **settings):
        return chosen(monkeypatch, tmp_path, *where, **settings).reason

    pretrained = {"model": "mobilenet_v2_imagenet"}
    assert "a quarter of the pictures have at most 50 pixels" in reason(CPU, 50)
    assert "training from scratch on a CPU" in reason(CPU, 375)
    assert "would cost about 3 times as much" in reason(CPU, 375, **pretrained)
    assert "pretrained" in reason(GPU, 375, **pretrained)
    assert "cost" not in reason(CPU, 375, resolution=224, **pretrained)
    assert reason(CPU, 375, image_size=100) == "100 x 100 pixels, as set."
    assert reason(CPU, 50, image_size=100).endswith("as set; smaller pictures are enlarged.")


@pytest.mark.parametrize(
    ("settings", "sizing"),
    [
        ({"image_size": 32}, USUAL),
        ({"image_size": 100}, Sizing(side=100, stored=114)),
        ({"image_size": 100, "crop_room": 1.5}, Sizing(side=100, stored=150)),
        ({"image_size": 100, "crop_room": 1.0}, Sizing(side=100, stored=100)),
        ({"image_size": 300}, Sizing(side=300, stored=300)),
        ({"image_size": 350, "crop_room": 2.0}, Sizing(side=350, stored=350)),
        ({"image_size": 100, "fit": "stretch"}, Sizing(side=100, fit="stretch", stored=100)),
        ({"fit": "fit"}, Sizing(side=128, fit="fit", stored=128)),
    ],
)
def test_a_size_that_is_set_is_taken_as_it_is(monkeypatch, tmp_path, settings, sizing):
    assert chosen(monkeypatch, tmp_path, CPU, 300, **settings).sizing == sizing


def test_a_size_below_16_is_refused():
    with pytest.raises(ConfigError, match="image_size is 10, but it must be 0"):
        TrainConfig(image_size=10)


def test_what_the_disk_has_room_for_is_chosen_or_refused_before_it_is_written(
    monkeypatch, tmp_path
):
    monkeypatch.setenv("CIFAR_IMAGES_GB", "10")
    monkeypatch.setattr("cifar_core.disk.space.free_bytes", lambda folder: 50 * 10**9)
    many = {"count": 100_000, "model": "resnet18"}
    fits = chosen(monkeypatch, tmp_path, GPU, 375, **{**many, "count": 1000})
    assert fits.bytes_needed == 1000 * 256**2 * 3
    less = chosen(monkeypatch, tmp_path, GPU, 375, **many)
    assert less.sizing == Sizing(side=144, stored=165)
    assert less.bytes_needed == 100_000 * 165**2 * 3 <= 10e9
    assert "because 224 x 224 pixels would take 20 GB on the disk, and 10 GB may" in less.reason
    refused = chosen(monkeypatch, tmp_path, GPU, 375, image_size=224, **many)
    assert "cannot be decoded: 224 x 224 pixels would take 20 GB" in refused.problem
    monkeypatch.delenv("CIFAR_IMAGES_GB")
    assert chosen(monkeypatch, tmp_path, GPU, 375, image_size=224, **many).problem == ""
    monkeypatch.setattr("cifar_core.disk.space.free_bytes", lambda folder: 10**9)
    assert "984 MB may be used" in chosen(monkeypatch, tmp_path, GPU, 375, **many).reason
    for word in ("much", "nan"):
        monkeypatch.setenv("CIFAR_IMAGES_GB", word)
        with pytest.raises(DataError, match="must be a number of gigabytes"):
            chosen(monkeypatch, tmp_path, GPU, 375, **many)


def test_drawn_images_are_drawn_at_the_size_that_is_set_and_not_enlarged(tmp_path):
    config = TrainConfig(data="synthetic:100", image_size=64)
    assert decided(config, tmp_path, CPU).reason == "64 x 64 pixels, as set."


def test_asking_decodes_nothing(store, tmp_path, monkeypatch):
    source = source_in(tmp_path / "pets", (90, 70))
    monkeypatch.setattr(engine, "decode", None)
    unread = decided(TrainConfig(data=source), store.root, CPU)
    assert unread.sizing == USUAL
    assert "not read yet" in unread.reason
    assert decided(TrainConfig(data="synthetic"), store.root, GPU).sizing == USUAL
    monkeypatch.undo()
    data.load(source, store.root)
    found = decided(TrainConfig(data=source), store.root, CPU)
    assert found.sizing == Sizing(side=64, stored=64)
    assert found.bytes_needed == 26 * 64**2 * 3
    data.load(source, store.root, found.sizing)
    assert decided(TrainConfig(data=source), store.root, CPU).bytes_needed == 0


def small(source, **settings):
    return TrainConfig(**{**SMALL, "data": source, "epochs": 1, "batch_size": 8, **settings})


def test_the_size_is_decided_at_the_first_start_and_stays(store, tmp_path, capsys):
    source = source_in(tmp_path / "pets", (160, 146))
    run = store.create(small(source, epochs=2))
    assert run.sizing == USUAL
    worker = attempt(run)
    worker.prepare()
    assert worker.config.image_size == 128
    kept = run.environment.data
    assert (kept.side, kept.stored, kept.fit) == (128, 146, "crop")
    assert kept.size_reason in capsys.readouterr().out
    assert run.config.image_size == 128
    assert run.settings["image_size"] == 0
    assert kept.fingerprint_at_32 == data.load(source, store.root).fingerprint
    assert worker.dataset.train.wider.shape[1:] == (146, 146, 3)
    image_sets.forget(store, source)  # so that it is decoded once more
    again = attempt(run, 2)
    assert again.work().outcome == "finished"
    assert run.environment.data == kept
    assert again.dataset.fingerprint == kept.fingerprint


def test_a_run_of_an_earlier_version_goes_on_at_32_pixels(store, tmp_path):
    source = source_in(tmp_path / "pets", (90, 80))
    run = store.create(small(source, epochs=2))
    images = data.load(source, store.root)
    old = {"source": source, "fingerprint": images.fingerprint, "title": "pets"}
    files.write_json(run.path / "environment.json", {"data": old})
    assert attempt(run).work().outcome == "finished"
    assert (run.environment.data.side, run.config.image_size) == (32, 32)
    assert run.environment.data.fingerprint == images.fingerprint


def test_a_size_without_room_fails_with_a_sentence(store, tmp_path, monkeypatch):
    monkeypatch.setenv("CIFAR_IMAGES_GB", "0.0001")
    source = source_in(tmp_path / "pets", (90, 80))
    run = store.create(small(source, image_size=64))
    with pytest.raises(DataError, match=r"64 x 64 pixels would take .* may be used"):
        attempt(run).work()
    assert not list(cache_folder(store.root).glob("*@*"))


def test_at_32_pixels_nothing_depends_on_how_the_size_was_chosen(store, tmp_path):
    source = source_in(tmp_path / "pets", (32, 32))
    runs = [store.create(small(source, **more)) for more in ({}, {"image_size": 32})]
    for run in runs:
        assert attempt(run).work().outcome == "finished"
    assert weights_of(runs[0]) == weights_of(runs[1])
    assert runs[0].environment.data.fingerprint == runs[1].environment.data.fingerprint


def test_results_are_of_the_runs_own_size_and_compared_across_sizes(store, tmp_path):
    source = source_in(tmp_path / "pets", (90, 80))
    runs = [store.create(small(source, image_size=side)) for side in (32, 64)]
    for run in runs:
        assert attempt(run).work().outcome == "finished"
        assert evaluate_run(run, "test").accuracy == pytest.approx(run.summary.test_accuracy)
    data_of = [run.environment.data for run in runs]
    assert data_of[0].fingerprint != data_of[1].fingerprint
    assert data_of[0].usual_fingerprint == data_of[1].usual_fingerprint
    assert comparison.obstacle(runs[0], runs[1], "test") == ""
    made = [predictions.compute(run, "test") for run in runs]
    assert len(comparison.compare_pairs(made)) == 1


def test_measurements_before_the_start_are_of_the_size_that_would_be_decided(store, tmp_path):
    source = source_in(tmp_path / "pets", (160, 146), train=30)
    config, images = image_size.for_measuring(small(source), store.root, CPU)
    assert config.image_size == 128
    assert images.train.pixels.shape == (60, 128, 128, 3)
    assert images.train.wider.shape == (60, 146, 146, 3)
    assert not list(cache_folder(store.root).glob("*@*"))  # nothing was decoded for it
    estimate = epoch_time.trial(small(source), store.root)
    assert estimate.seconds_per_epoch > 0
    kept = data.load(source, store.root, Sizing(side=128, stored=146))
    _, now = image_size.for_measuring(small(source), store.root, CPU)
    assert now.fingerprint == kept.fingerprint


def test_removing_a_set_removes_all_its_sizes(store, tmp_path):
    source = source_in(tmp_path / "pets", (160, 146))
    for sizing in (USUAL, Sizing(side=128, stored=146)):
        data.load(source, store.root, sizing)
    kept = [path.parent for path in cache_folder(store.root).glob("*/meta.json")]
    assert len(kept) == 2
    begun = [path.with_name(path.name + ".draft") for path in kept]  # and never continued
    for path in begun:
        path.mkdir()
    image_sets.remove(store, source)
    assert not [path for path in (*kept, *begun) if path.exists()]


def test_what_wide_pictures_lose_is_said_unless_they_are_kept_whole(store, tmp_path):
    wide = source_in(tmp_path / "wide", (200, 50))
    data.load(wide, store.root)
    said = decided(small(wide), store.root, CPU).loss
    assert said.startswith("Half of the pictures lose 75\xa0% of their area or more")
    assert decided(small(wide, fit="stretch"), store.root, CPU).loss == ""
    usual = source_in(tmp_path / "usual", (150, 100))
    data.load(usual, store.root)
    assert decided(small(usual), store.root, CPU).loss == ""
