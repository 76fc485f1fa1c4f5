import dataclasses

import pytest
import torch

from cifar_core import data
from cifar_core.config import TrainConfig
from cifar_core.data.split import split
from cifar_core.models import MODELS
from cifar_core.training import setup
from cifar_core.training.setup import prepare


@pytest.fixture
def seen(monkeypatch):
    """The images that a network which prepares itself was given, and its new first filter."""
    given = []

    def whiten(model, images):
        given.append(images)
        model.block1[0].weight.fill_(0.5)

    spec = dataclasses.replace(MODELS["simple_cnn"], prepare=whiten)
    monkeypatch.setitem(MODELS._specs, "simple_cnn", spec)
    return given


def prepared(dataset, **more):
    config = TrainConfig(batch_size=16, epochs=1, precision="float32")
    return prepare(config, dataset, "cpu", **more).trainer


def test_a_network_prepares_itself_from_training_images_as_they_are(seen, tmp_path, monkeypatch):
    monkeypatch.setattr(setup, "PREPARING", 20)
    dataset = data.load("synthetic:200", tmp_path)
    trainer = prepared(dataset)
    part, _ = split(dataset.train.labels, train_fraction=1.0, val_fraction=0.1, seed=0)
    first = torch.tensor(dataset.train.pixels[part[0]]).permute(2, 0, 1) / 255
    (images,) = seen
    assert images.shape == (20, 3, 32, 32)
    assert torch.equal(images[0], first)
    assert (trainer.snapshot().model["block1.0.weight"] == 0.5).all()


def test_a_trainer_that_will_be_restored_does_not_prepare_its_network(seen, tmp_path):
    trainer = prepared(data.load("synthetic:200", tmp_path), fresh=False)
    assert not seen
    assert not (trainer.model.block1[0].weight == 0.5).any()


def test_evaluation_computes_no_more_images_at_once_than_training_may(tmp_path):
    dataset = data.load("synthetic:200", tmp_path)
    for micro_batch, sizes in ((0, (20, 40)), (6, (5, 6))):  # 20 and 40 images, in equal batches
        made = prepare(TrainConfig(batch_size=16, micro_batch=micro_batch), dataset, "cpu")
        assert (made.trainer.val_batches.batch_size, made.test.batch_size) == sizes


@pytest.mark.parametrize(
    ("settings", "measured", "rounded"),
    [
        ({}, True, True),
        ({"deterministic": True}, False, True),
        ({"model": "resnet18_imagenet", "plan": "head"}, True, False),
        ({"model": "resnet18_imagenet", "plan": "full"}, True, True),
    ],
)
def test_kernels_are_measured_unless_a_run_is_repeatable_and_exact_for_kept_features(
    monkeypatch, settings, measured, rounded
):
    repeatable = []
    monkeypatch.setattr(
        torch, "use_deterministic_algorithms", lambda *_, **__: repeatable.append(1)
    )
    for name in ("benchmark", "allow_tf32"):
        monkeypatch.setattr(torch.backends.cudnn, name, getattr(torch.backends.cudnn, name))
    setup.choose_kernels(TrainConfig(**settings))
    assert torch.backends.cudnn.benchmark is measured
    assert torch.backends.cudnn.allow_tf32 is rounded
    assert not torch.backends.cuda.matmul.allow_tf32
    assert bool(repeatable) is not measured
