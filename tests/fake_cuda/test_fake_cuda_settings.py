"""What changes a training step, on a fake CUDA device."""

from itertools import islice

import numpy as np
import pytest
import torch
from augmentations import each_augmentation, name_of
from fake_device import ANSWERS, fake_cuda
from fake_runs import BATCH, CLASSES, Begun, minded, prepared, trained, watched

from cifar_core.config.machine_settings import MEMORY_FORMATS, PRECISIONS
from cifar_core.data.test_views import TEST_VIEWS
from cifar_core.models import MODELS
from cifar_core.rate_search.probe import losses_of
from cifar_core.rate_search.search import guessing_losses
from cifar_core.training.evaluate import KeptLogits, evaluate_test
from cifar_core.training.events import StepEvent
from cifar_core.training.extractor import extract, make_extractor
from cifar_core.training.reports import always
from cifar_core.training.step.trial import endless

FORMATS = [key for key in MEMORY_FORMATS if key != "auto"]
# where float16 meets an optimizer that is not fused, torch's scaler asks at each step whether a
# gradient has overflowed
ASKED = "aten._local_scalar_dense: training/trainer.py _train_step"
PRETRAINED = next(key for key, spec in MODELS.items() if spec.weights)


@pytest.mark.parametrize("optimizer", ["sgd", "yogi"])
@pytest.mark.parametrize("precision", [key for key in PRECISIONS if key != "auto"])
@pytest.mark.parametrize("memory_format", FORMATS)
def test_each_number_format_and_memory_order(optimizer, precision, memory_format):
    found = trained(
        model="speed_net_small", optimizer=optimizer, precision=precision,
        memory_format=memory_format,
    )  # fmt: skip
    assert found == ({ASKED: 2} if precision == "float16" and optimizer == "yogi" else {})


@pytest.mark.parametrize(
    "settings",
    [*each_augmentation(), {"crop_padding": 4, "cutout": 8, "color_jitter": 0.2}],
    ids=name_of,
)
def test_each_augmentation(settings):
    assert trained(model="simple_cnn", **settings) == {}


@pytest.mark.parametrize(
    "settings",
    [
        {"ema_epochs": 1.0},
        {"clip_norm": 1.0},
        {"micro_batch": 3},
        {"mixup": 1.0},
        {"cutmix": 1.0, "class_weights": "balanced"},
        {"mixup": 0.2, "cutmix": 1.0, "micro_batch": 3},
        {"image_size": 64},
        {"image_size": 64, "model": PRETRAINED, "micro_batch": 3},
        {"label_smoothing": 0.1},
        {"class_weights": "balanced", "label_smoothing": 0.1},
        {"order": "balanced", "best_by": "loss"},
        {"deterministic": True},
        {"schedule": "one_cycle", "cycle_momentum": True},
        {"schedule": "one_cycle", "cycle_momentum": True, "optimizer": "adamw"},
        {"schedule": "plateau", "epochs": 3},
        {"model": "speed_net_small", "whitening_epochs": 1, "epochs": 2},
        {"optimizer": "muon", "rest_optimizer": "sgd", "normalized_weights": True},
        {"model": PRETRAINED, "plan": "gradual", "head_epochs": 1, "epochs": 2},
        {"model": PRETRAINED, "plan": "head", "cached_views": 0},
    ],
    ids=name_of,
)
def test_each_setting_of_the_loop(settings, request):
    request.addfinalizer(lambda: torch.use_deterministic_algorithms(False))
    assert trained(**{"model": "resnet9", **settings}) == {}


def test_a_report_between_two_steps_does_not_wait():
    with fake_cuda() as watch:
        trainer = watched(prepared(model="simple_cnn", steps=6).trainer, watch)
        trainer.due = always
        events = list(islice(trainer.run(), 8))
        assert (watch.waits, watch.meant) == ({}, {})
    assert sum(isinstance(event, StepEvent) for event in events) == 4


def test_images_that_do_not_fit_on_the_device_are_copied_without_waiting(monkeypatch):
    monkeypatch.setitem(ANSWERS, "mem_get_info", (0, 80 * 10**9))
    assert trained(model="simple_cnn", steps=4, crop_padding=4, flip=True) == {}


@pytest.mark.parametrize("views", TEST_VIEWS)
def test_each_choice_of_views_and_the_kept_logits(views):
    kept = KeptLogits()
    with fake_cuda() as watch:
        setup = prepared(model="simple_cnn")
        trainer = watched(setup.trainer, watch)
        test = Begun(setup.test, watch)
        found = minded(watch, evaluate_test(trainer.result, test, trainer.precision, step=0,
                                            epoch=0, views=views, kept=kept))  # fmt: skip
        read = sum(watch.meant.values())
        logits = kept.array()
    assert found == {}
    assert read == (TEST_VIEWS[views].share < 1)  # which images are the least sure
    assert logits.shape == (2 * BATCH, CLASSES)


@pytest.mark.parametrize("side", [32, 64])
def test_a_head_on_kept_features(side):
    with fake_cuda() as watch:
        setup = prepared(model=PRETRAINED, plan="head", cached_views=2, steps=3, image_size=side)
        trainer, head = setup.trainer, setup.trainer.spec.head
        frozen = make_extractor(trainer.model, head, trainer.precision, side=side,
                                pixels=0, batch_size=BATCH)  # fmt: skip
        assert watch.faults == {}
        features = [
            torch.from_numpy(np.concatenate(list(extract(frozen, part.open(), trainer.precision))))
            for part in setup.features
        ]
        test = setup.read_features(features)
        run = watched(trainer, watch).run()
        assert minded(watch, run) == {}
        assert test.images == 2 * BATCH


def test_the_steps_and_losses_of_a_rate_search():
    with fake_cuda() as watch:
        trainer = watched(prepared(model="resnet9", steps=3).trainer, watch)
        for _ in islice(trainer.steps(lambda step: 0.1), 2):
            assert watch.waits == {}
        for _ in losses_of(trainer, trainer.val_batches):
            assert watch.waits == {}
        guessing_losses(trainer.train_batches, trainer.val_batches)
    assert watch.faults == {}


def test_the_steps_of_a_trial_and_of_the_largest_batch():
    with fake_cuda() as watch:
        trainer = watched(prepared(model="resnet9", steps=3).trainer, watch)
        for _ in islice(endless(trainer), 2):
            assert (watch.waits, watch.faults) == ({}, {})
