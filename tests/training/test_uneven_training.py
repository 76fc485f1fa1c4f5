"""Uneven classes: the measure of the best epoch, weights in the loss, and the balanced order."""

import dataclasses
from itertools import islice

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from test_trainer import NUM_CLASSES, events, no_norms, pictures, trainer, values, weights

from cifar_core.config import TrainConfig
from cifar_core.data.uneven.class_weights import WEIGHINGS
from cifar_core.data.uneven.class_weights import weights as class_weights
from cifar_core.data.uneven.orders import balanced
from cifar_core.errors import ConfigError
from cifar_core.evaluation.measures import MEASURES
from cifar_core.training.evaluate import Score, evaluate
from cifar_core.training.events import EpochEvent, StepEvent, Tick
from cifar_core.training.features import FeatureBatches
from cifar_core.training.progress import Best
from cifar_core.training.task.training_loss import training_loss

__all__ = ["no_norms"]
LABELS = np.repeat(np.arange(NUM_CLASSES), [60, 20, 6, 2])


def uneven(monkeypatch, **settings):
    """Return a trainer whose training images are of uneven classes."""
    import test_trainer

    def chosen(seed, count):
        pixels, labels = pictures(seed, count)
        if seed:  # of validation
            return pixels, labels
        return (pixels // 2 + 30 * LABELS[:, None, None, None]).astype(np.uint8), LABELS

    with monkeypatch.context() as patched:
        patched.setattr(test_trainer, "pictures", chosen)
        it = trainer(**settings)
    it.train_batches.order = it.config.order
    return it


@pytest.mark.parametrize("key", MEASURES)
def test_the_best_epoch_is_the_first_with_the_best_value_of_its_measure(key):
    measure = MEASURES[key]
    epochs = events(trainer(epochs=6, best_by=key, learning_rate=0.05), EpochEvent)
    worths = [measure.worth(getattr(event, measure.row_name)) for event in epochs]
    assert [i for i, event in enumerate(epochs) if event.best][-1] == worths.index(max(worths))


def test_measures_can_disagree_about_the_best_epoch():
    chosen = {}
    for key, measure in MEASURES.items():
        best = Best()
        for epoch, score in enumerate(SCORES, start=1):
            best.update(measure.worth(getattr(score, key)), epoch, 0.0)
        chosen[key] = best.epoch
    assert chosen == {"accuracy": 1, "balanced_accuracy": 2, "macro_f1": 3, "loss": 3}


SCORES = [
    Score(loss=0.4, accuracy=0.95, plain_accuracy=0.95, views="plain", images=100,
          balanced_accuracy=0.5, macro_f1=0.48),
    Score(loss=0.6, accuracy=0.90, plain_accuracy=0.90, views="plain", images=100,
          balanced_accuracy=0.7, macro_f1=0.6),
    Score(loss=0.3, accuracy=0.92, plain_accuracy=0.92, views="plain", images=100,
          balanced_accuracy=0.6, macro_f1=0.7),
]  # fmt: skip


@pytest.mark.parametrize(
    ("key", "epoch"),
    [("accuracy", 1), ("balanced_accuracy", 2), ("macro_f1", 3), ("loss", 3)],
)
def test_the_trainers_measure_decides(key, epoch, monkeypatch):
    scripted = iter(SCORES)

    def evaluated(*args, kept, **more):
        score = yield from evaluate(*args, kept=kept, **more)
        assert score.images
        return next(scripted)

    monkeypatch.setattr("cifar_core.training.trainer.evaluate", evaluated)
    it = trainer(epochs=3, best_by=key)
    marks = [event.epoch for event in events(it, EpochEvent) if event.best]
    assert marks[-1] == it.progress.best.epoch == epoch


@pytest.mark.parametrize("key", MEASURES)
def test_early_stopping_waits_for_the_measure_that_decides(key):
    it = trainer(epochs=50, patience=2, best_by=key, learning_rate=1e-6)
    epochs = events(it, EpochEvent)
    worths = [it.measure.worth(getattr(e, it.measure.row_name)) for e in epochs]
    if it.stop_reason:
        assert len(epochs) == worths.index(max(worths)) + 1 + 2
    else:
        assert max(worths[-2:]) > max(worths[:-2])


def test_a_snapshot_of_an_earlier_version_keeps_its_best_epoch():
    saved = {"accuracy": 0.7, "epoch": 3, "to_beat": 0.6, "stale_epochs": 1}
    assert Best.from_saved(saved) == Best(worth=0.7, epoch=3, to_beat=0.6, stale_epochs=1)
    before = {"accuracy": -1.0, "epoch": 0, "to_beat": -1.0, "stale_epochs": 0}
    assert Best.from_saved(before) == Best()
    now = Best(worth=-2.3, epoch=1, to_beat=-2.3)
    assert Best.from_saved(dataclasses.asdict(now)) == now


SETTINGS = [
    *({"best_by": key} for key in MEASURES),
    *({"class_weights": key} for key in WEIGHINGS),
    {"order": "balanced", "best_by": "balanced_accuracy", "patience": 2},
    {"order": "balanced", "flip_mode": "alternate"},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("stop", [3, 15])  # events: within both epochs
def test_a_run_on_uneven_classes_is_resumed_bit_for_bit(stop, settings, monkeypatch):
    whole, first, second = (uneven(monkeypatch, learning_rate=0.01, **settings) for _ in "123")
    said = events(whole, StepEvent | EpochEvent)
    before = list(islice(first.run(), stop))
    second.restore(first.snapshot())
    later = events(second, StepEvent | EpochEvent)
    resumed = [e for e in before if not isinstance(e, Tick)] + later
    assert [values(e) for e in resumed] == [values(e) for e in said]
    assert torch.equal(weights(whole), weights(second))
    assert second.progress.best == whole.progress.best


def test_the_training_loss_weighs_each_image_by_its_class():
    config = TrainConfig(class_weights="balanced", label_smoothing=0.1)
    loss_of = training_loss(config, LABELS, NUM_CLASSES, "cpu")
    logits, labels = torch.randn(10, NUM_CLASSES), torch.arange(10) % NUM_CLASSES
    each = F.cross_entropy(logits, labels, label_smoothing=0.1, reduction="none")
    wanted = torch.tensor(class_weights(np.bincount(LABELS), "balanced"))[labels] * each
    assert float(loss_of(logits, labels)) == pytest.approx(float(wanted.mean()))


def test_the_reported_training_loss_is_what_is_minimized_and_validation_has_no_weights(monkeypatch):
    plain, weighed = (
        next(e for e in uneven(monkeypatch, class_weights=key).run() if isinstance(e, StepEvent))
        for key in ("none", "balanced")
    )
    assert weighed.accuracy == plain.accuracy  # of the same first step
    assert weighed.loss != plain.loss
    loss = [
        events(uneven(monkeypatch, epochs=1, learning_rate=1e-6, class_weights=key), EpochEvent)
        for key in ("none", "balanced")
    ]
    assert loss[0][0].val_loss == pytest.approx(loss[1][0].val_loss, abs=1e-3)


@pytest.mark.parametrize("micro_batch", [5, 6])
def test_a_weighed_batch_in_pieces_has_the_gradient_of_the_whole(
    micro_batch, no_norms, monkeypatch
):
    settings = {"class_weights": "balanced", "epochs": 1}
    whole = uneven(monkeypatch, **settings)
    pieces = uneven(monkeypatch, micro_batch=micro_batch, **settings)
    one, other = (events(it, StepEvent)[0] for it in (whole, pieces))
    assert other.loss == pytest.approx(one.loss, rel=1e-5)
    assert other.grad_norm == pytest.approx(one.grad_norm, rel=1e-4)


def test_the_balanced_order_is_what_a_run_trains_on(monkeypatch):
    it = uneven(monkeypatch, order="balanced")
    labels = np.concatenate([labels.numpy() for _, labels in it.train_batches.epoch(1)])
    order = balanced(LABELS, seed=it.config.seed, epoch=1)
    assert labels.tolist() == LABELS[order[:80]].tolist()


def test_kept_features_follow_the_balanced_order_from_any_position():
    views = [torch.arange(len(LABELS))[:, None].float()]
    batches = FeatureBatches(views, LABELS, batch_size=16, seed=4, shuffle=True, order="balanced",
                             drop_last=True)  # fmt: skip
    order = balanced(LABELS, seed=4, epoch=2)[:80].tolist()
    seen = [features[:, 0].int().tolist() for features, _ in batches.epoch(2)]
    assert [index for batch in seen for index in batch] == order
    assert [f[:, 0].int().tolist() for f, _ in batches.epoch(2, start=3)] == seen[3:]


def test_the_balanced_order_and_weights_of_classes_would_count_rare_classes_twice():
    with pytest.raises(ConfigError, match="count twice"):
        TrainConfig(order="balanced", class_weights="square_root")
