"""What a training step means: mixed images, their loss, and the draws behind them."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import stats
from test_trainer import NUM_CLASSES, events, no_norms, resumed, trainer, uninterrupted
from torchvision.transforms import v2

from cifar_core.config import TrainConfig
from cifar_core.errors import ConfigError
from cifar_core.training.events import EpochEvent, StepEvent
from cifar_core.training.step.step_plan import by_rule
from cifar_core.training.task import mixing
from cifar_core.training.task.batch import Batch
from cifar_core.training.task.mixing import MIXINGS, Mixing, drawn, symmetric_beta
from cifar_core.training.task.task import task_of

__all__ = ["no_norms"]
BOTH = {"mixup": 0.4, "cutmix": 1.0}
WEIGHED = {"class_weights": "balanced", "label_smoothing": 0.2}
PLAN = by_rule(TrainConfig(precision="float32"), "cpu")
LABELS = np.repeat(np.arange(NUM_CLASSES), [60, 20, 6, 2])


def pictures(count=12, side=24):
    """Return images stored channels-last, and their labels."""
    drawn = torch.Generator().manual_seed(1)
    images = torch.rand(count, side, side, 3, generator=drawn).permute(0, 3, 1, 2)
    return images, torch.arange(count) % NUM_CLASSES


def mixed(number=0, *, epoch=0, side=24, **settings):
    """Return one mixed batch."""
    images, labels = pictures(side=side)
    mix = Mixing.from_config(TrainConfig(**settings))
    return mix(Batch(images=images, labels=labels), epoch=epoch, number=number)


def targets(batch):
    """Return the classes' shares [n, K] of a batch."""
    shares = batch.share * F.one_hot(batch.labels, NUM_CLASSES)
    return shares + (1 - batch.share) * F.one_hot(batch.others, NUM_CLASSES)


@pytest.mark.parametrize("alpha", [0.2, 0.5, 1.0, 8.0])
def test_shares_have_the_symmetric_beta_distribution(alpha):
    uniform = np.concatenate([drawn(3, 0, block) for block in range(40)])
    shares = [symmetric_beta(alpha, first, second) for first, second in uniform[:, 1:3]]
    assert stats.kstest(shares, stats.beta(alpha, alpha).cdf).pvalue > 0.05


@pytest.mark.parametrize("alpha", [1e-3, 0.01, 10.0])
@pytest.mark.parametrize("first", [0.0, 0.5, 1 - 2.0**-32])
@pytest.mark.parametrize("second", [0.0, 0.25, 0.5, 0.75])
def test_a_share_is_one_at_the_ends_of_every_range_too(alpha, first, second):
    assert 0 <= symmetric_beta(alpha, first, second) <= 1


def shares_of_random_boxes(height, width, alpha, count):
    """Return the shares that torchvision's CutMix leaves."""
    torch.manual_seed(0)
    mix = v2.CutMix(alpha=alpha, num_classes=NUM_CLASSES)
    image = torch.zeros(1, 3, height, width)
    return [mix.make_params([image])["lam_adjusted"] for _ in range(count)]


def test_the_boxes_shares_are_distributed_as_torchvisions():
    ours = [mixed(number, cutmix=1.0).share for number in range(1500)]
    theirs = shares_of_random_boxes(24, 24, 1.0, 1500)
    assert stats.ks_2samp(ours, theirs).pvalue > 0.05


def forced(monkeypatch, **draws):
    """Make torchvision draw these numbers."""
    if places := draws.get("places"):
        upcoming = iter(places)
        monkeypatch.setattr(torch, "randint", lambda *_, **__: torch.tensor([next(upcoming)]))
    return SimpleNamespace(sample=lambda _: torch.tensor(draws["share"], dtype=torch.float64))


@pytest.mark.parametrize("share", [0.0, 0.3, 0.75, 1.0])
def test_mixup_makes_the_images_and_targets_of_torchvision(monkeypatch, share):
    images, labels = pictures()
    theirs = v2.MixUp(num_classes=NUM_CLASSES)
    theirs._dist = forced(monkeypatch, share=share)
    wanted, soft = theirs(images.clone(), labels)
    monkeypatch.setattr(mixing, "symmetric_beta", lambda *_: share)
    batch = mixed(mixup=0.2)
    assert torch.allclose(batch.images, wanted, atol=1e-6)
    assert torch.allclose(targets(batch), soft, atol=1e-6)
    assert batch.images.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.75, 1.0])
@pytest.mark.parametrize("place", [(0.0, 0.0), (0.5, 0.3), (0.99, 0.6)])  # at and off the edges
def test_cutmix_makes_the_images_and_targets_of_torchvision(monkeypatch, share, place):
    images, labels = pictures(side=25)
    row, column = (int(where * 25) for where in place)
    theirs = v2.CutMix(num_classes=NUM_CLASSES)
    theirs._dist = forced(monkeypatch, share=share, places=[column, row])
    wanted, soft = theirs(images, labels)
    monkeypatch.setattr(mixing, "symmetric_beta", lambda *_: share)
    monkeypatch.setattr(mixing, "drawn", lambda *_: np.array([[0, 0, 0, *place]]))
    batch = mixed(side=25, cutmix=1.0)
    assert torch.equal(batch.images, wanted)
    assert torch.allclose(targets(batch), soft, atol=1e-6)


def test_which_way_is_drawn_for_each_batch_and_both_come_equally_often():
    images, labels = pictures(count=2, side=4)
    seen = []
    ways = tuple(
        (SimpleNamespace(mix=lambda *_, key=key: seen.append(key) or 1.0), 1.0) for key in MIXINGS
    )
    mix = Mixing(seed=0, ways=ways)
    for number in range(600):
        mix(Batch(images=images, labels=labels), epoch=0, number=number)
    counts = [seen.count(key) for key in MIXINGS]
    assert stats.chisquare(counts).pvalue > 0.05


@pytest.mark.parametrize("settings", [{"mixup": 0.4}, {"cutmix": 1.0}, BOTH], ids=str)
def test_a_batch_is_mixed_by_its_seed_epoch_and_number_alone(settings):
    one = mixed(300, epoch=2, **settings)
    mixed(5, epoch=1, seed=9, **settings)
    same = mixed(300, epoch=2, **settings)
    assert one.share == same.share
    assert torch.equal(one.images, same.images)
    others = [mixed(301, epoch=2, **settings), mixed(300, epoch=3, **settings),
              mixed(300, epoch=2, seed=1, **settings)]  # fmt: skip
    assert not any(torch.equal(other.images, one.images) for other in others)


def test_without_mixing_the_network_gets_the_images_themselves():
    images, labels = pictures()
    task = task_of(TrainConfig(), LABELS, NUM_CLASSES, "cpu", PLAN)
    batch = task.batch(images, labels, epoch=0, number=0)
    assert batch.images is images
    assert batch.others is None


@pytest.mark.parametrize("name", MIXINGS)
def test_features_that_are_kept_cannot_be_mixed(name):
    settings = {"model": "mobilenet_v2_imagenet", "plan": "head", name: 0.2}
    with pytest.raises(ConfigError, match=f"{name} is 0.2, but with the plan 'head'"):
        TrainConfig(**settings)
    TrainConfig(**settings, cached_views=0)


@pytest.mark.parametrize("settings", [{}, {"label_smoothing": 0.2}, WEIGHED], ids=str)
@pytest.mark.parametrize("way", MIXINGS)
def test_the_loss_is_the_cross_entropy_with_the_mixed_targets(way, settings):
    config = TrainConfig(**{way: 1.0}, **settings)
    task = task_of(config, LABELS, NUM_CLASSES, "cpu", PLAN)
    images, labels = pictures()
    batch = task.batch(images, labels, epoch=0, number=1)
    logits = torch.randn(len(batch), NUM_CLASSES, generator=torch.Generator().manual_seed(0))
    assert 0.1 < batch.share < 0.9
    smoothing = config.label_smoothing
    of_classes = torch.ones(NUM_CLASSES)
    if config.class_weights == "balanced":
        counts = torch.from_numpy(np.bincount(LABELS))
        of_classes = len(LABELS) / (NUM_CLASSES * counts)
    wanted = torch.zeros(())
    for row, label, other in zip(logits.log_softmax(1), batch.labels, batch.others, strict=True):
        for shown, share in ((label, batch.share), (other, 1 - batch.share)):
            target = (1 - smoothing) * F.one_hot(shown, NUM_CLASSES) + smoothing / NUM_CLASSES
            wanted -= share * of_classes[shown] * (target * row).sum() / len(batch)
    assert float(task.losses(logits, batch)[0]) == pytest.approx(float(wanted), rel=1e-5)


@pytest.mark.parametrize(("share", "right"), [(0.6, 3), (0.5, 3), (0.4, 1)])
def test_the_class_with_the_larger_share_counts_as_right(share, right):
    task = task_of(TrainConfig(), LABELS, NUM_CLASSES, "cpu", PLAN)
    labels, others = torch.tensor([0, 1, 2]), torch.tensor([2, 2, 2])
    batch = Batch(images=torch.zeros(3), labels=labels, others=others, share=share)
    logits = F.one_hot(labels, NUM_CLASSES).float()
    assert int(task.right(logits, batch)) == right


@pytest.mark.parametrize("settings", [{"mixup": 1.0}, {"cutmix": 1.0, **WEIGHED}], ids=str)
@pytest.mark.parametrize("micro_batch", [1, 5, 6])  # of 16 images: even pieces and uneven ones
def test_a_mixed_batch_in_pieces_has_the_gradient_of_the_whole(micro_batch, settings, no_norms):
    whole, pieces = trainer(**settings), trainer(micro_batch=micro_batch, **settings)
    for it in (whole, pieces):
        it.optimizer.step = lambda: None  # look at the gradient of the first step alone
        (it.first, *_) = it.run()
    for one, other in zip(whole.trained, pieces.trained, strict=True):
        assert torch.allclose(one.grad, other.grad, atol=1e-5 * one.grad.abs().max())
    assert pieces.first.loss == pytest.approx(whole.first.loss, rel=1e-5)
    assert pieces.first.accuracy == whole.first.accuracy


@pytest.mark.parametrize("settings", [{"mixup": 0.4}, {"cutmix": 1.0}, BOTH], ids=str)
@pytest.mark.parametrize("stop_after", [3, 9, 13])  # in the middle of both epochs, and validating
def test_a_run_that_mixes_goes_on_exactly(settings, stop_after):
    settings = {"learning_rate": 0.01, "crop_padding": 2, **settings}
    said, ends = uninterrupted(**settings)
    said_later, ends_later = resumed(stop_after, **settings)
    assert said_later == said
    assert torch.equal(ends_later, ends)
    assert not torch.equal(ends, uninterrupted(learning_rate=0.01, crop_padding=2)[1])


def test_mixing_raises_the_training_loss_and_not_what_is_learned():
    plain = events(trainer(epochs=8, learning_rate=0.03), EpochEvent)[-1]
    mixes = events(trainer(epochs=8, learning_rate=0.03, cutmix=1.0), EpochEvent)[-1]
    assert mixes.train_loss > 2 * plain.train_loss
    assert mixes.val_accuracy > 0.6


def test_every_epoch_of_a_run_counts_its_batches_from_the_first(monkeypatch):
    it, seen = trainer(mixup=1.0), []
    mix = Mixing.__call__
    monkeypatch.setattr(Mixing, "__call__", lambda self, batch, **place: (
        seen.append((place["epoch"], place["number"])) or mix(self, batch, **place)))  # fmt: skip
    list(it.run())
    assert seen == [(epoch, number) for epoch in range(2) for number in range(5)]


def test_the_steps_of_a_rate_search_are_mixed_like_those_of_the_run():
    run = events(trainer(mixup=1.0, learning_rate=0.01, warmup_epochs=0.0), StepEvent)
    searching = trainer(mixup=1.0, learning_rate=0.01)
    rates = [event.learning_rate for event in run]
    steps = searching.steps(lambda step: rates[step])
    found = [next(steps).loss for _ in range(5)]
    assert found == [event.loss for event in run[:5]]
    assert found != [event.loss for event in events(trainer(learning_rate=0.01), StepEvent)[:5]]
