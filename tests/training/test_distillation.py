"""Learning from teachers: the loss, its gradient in pieces, and answers that are kept."""

import dataclasses

import numpy as np
import pytest
import torch
from test_trainer import NUM_CLASSES, no_norms, pictures
from torch import nn

from cifar_core.config import TrainConfig
from cifar_core.data.augmentation.augment import Augment
from cifar_core.data.batches import Batches
from cifar_core.errors import ConfigError
from cifar_core.training.features import FeatureBatches
from cifar_core.training.freezing import keeps_answers
from cifar_core.training.step.step_plan import by_rule
from cifar_core.training.task.task import task_of
from cifar_core.training.task.teachers import KeptAnswers, Teacher, asked_each_time
from cifar_core.training.trainer import Trainer

__all__ = ["no_norms"]
LABELS = np.repeat(np.arange(NUM_CLASSES), [60, 20, 6, 2])
FLOAT32 = by_rule(TrainConfig(precision="float32"), "cpu")
PLAIN = {"flip": False, "crop_padding": 0}  # images that are not changed


class Looking(nn.Module):
    """A network whose answer depends on every pixel of an image of one size, and on its mode."""

    def __init__(self, side=32, seed=0):
        super().__init__()
        self.side, drawn = side, torch.Generator().manual_seed(seed)
        self.weights = nn.Parameter(
            torch.randn(NUM_CLASSES, 3, side, side, generator=drawn) / side * 4
        )
        self.dropout = nn.Dropout(0.5)

    def forward(self, images):
        assert images.shape[-1] == self.side
        return self.dropout(torch.einsum("nchw,kchw->nk", images, self.weights))


def teacher(side=32, seed=0, order=None):
    return Teacher(
        network=Looking(side, seed),
        side=side,
        order=None if order is None else torch.tensor(order),
        sha256=f"{seed}",
        built={"model": "looking"},
        multiply_adds=NUM_CLASSES * 3 * side**2,
    )


def task(*teachers, **settings):
    config = TrainConfig(**{"distill_share": 0.7, **settings})
    return task_of(config, LABELS, NUM_CLASSES, "cpu", FLOAT32, teachers)


def images_and_labels(count=12, side=32):
    drawn = torch.Generator().manual_seed(1)
    images = torch.rand(count, side, side, 3, generator=drawn).permute(0, 3, 1, 2)
    return images, torch.arange(count) % NUM_CLASSES


def softmax(rows):
    powers = np.exp(rows - rows.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def answers_of(one, images):
    """The logits of a teacher, without any of the code that is tested."""
    weights = one.network.weights.detach().double().numpy()
    return np.einsum("nchw,kchw->nk", images.double().numpy(), weights)


# the loss


@pytest.mark.parametrize("share", [0.3, 0.9, 1.0])
@pytest.mark.parametrize("temperature", [1.0, 4.0, 20.0])
@pytest.mark.parametrize("count", [1, 3])
def test_the_loss_is_that_of_hinton_and_others(share, temperature, count):
    teachers = [teacher(seed=seed) for seed in range(count)]
    images, labels = images_and_labels()
    made = task(*teachers, distill_share=share, distill_temperature=temperature)
    logits = torch.randn(12, NUM_CLASSES, generator=torch.Generator().manual_seed(3)) * 3
    found = made.losses(logits, made.batch(images.clone(), labels, epoch=0, number=0))[0]

    soft = np.mean([softmax(answers_of(one, images) / temperature) for one in teachers], axis=0)
    own = logits.double().numpy()
    apart = (soft * (np.log(soft) - np.log(softmax(own / temperature)))).sum(axis=1).mean()
    by_labels = -np.log(softmax(own)[np.arange(12), labels.numpy()]).mean()
    wanted = (1 - share) * by_labels + share * temperature**2 * apart
    assert float(found) == pytest.approx(wanted, rel=1e-5)


def test_the_labels_part_keeps_its_smoothing_and_its_weights_of_classes():
    extras = {"label_smoothing": 0.2, "class_weights": "balanced"}
    images, labels = images_and_labels()
    logits = torch.randn(12, NUM_CLASSES, generator=torch.Generator().manual_seed(3))

    def loss(made):
        return float(made.losses(logits, made.batch(images.clone(), labels, epoch=0, number=0))[0])

    alone = loss(task_of(TrainConfig(**extras), LABELS, NUM_CLASSES, "cpu", FLOAT32))
    taught = loss(task(teacher(), distill_share=1.0, **extras))
    assert taught == pytest.approx(loss(task(teacher(), distill_share=1.0)))
    both = loss(task(teacher(), distill_share=0.25, **extras))
    assert both == pytest.approx(0.75 * alone + 0.25 * taught, rel=1e-5)


def test_a_network_that_answers_as_its_teacher_has_nothing_to_learn_from_it():
    images, labels = images_and_labels()
    made = task(teacher(), distill_share=1.0)
    logits = torch.from_numpy(answers_of(teacher(), images)).float().requires_grad_()
    loss = made.losses(logits, made.batch(images, labels, epoch=0, number=0))[0]
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-5)
    assert float(logits.grad.abs().max()) < 1e-5


def test_the_loss_that_is_reported_is_that_of_the_labels_alone():
    images, labels = images_and_labels()
    logits = torch.randn(12, NUM_CLASSES, generator=torch.Generator().manual_seed(3))
    alone = task_of(TrainConfig(), LABELS, NUM_CLASSES, "cpu", FLOAT32)
    batch = alone.batch(images, labels, epoch=0, number=0)
    minimized, reported = task(teacher()).losses(logits, batch)
    assert reported.item() == alone.losses(logits, batch)[0].item() != minimized.item()


@pytest.mark.parametrize("way", ["mixup", "cutmix"])
def test_the_teachers_see_the_mixed_images(way):
    images, labels = images_and_labels()
    made = task(teacher(), distill_share=1.0, distill_temperature=1.0, **{way: 1.0})
    batch = made.batch(images.clone(), labels, epoch=0, number=1)
    logits = torch.from_numpy(answers_of(teacher(), batch.images)).float()
    assert float(made.losses(logits, batch)[0]) == pytest.approx(0, abs=1e-5)
    of_whole = torch.from_numpy(answers_of(teacher(), images)).float()
    assert float(made.losses(of_whole, batch)[0]) > 0.01


def test_the_answers_of_a_teacher_are_put_into_the_order_of_the_run_s_classes():
    images, _ = images_and_labels()
    order = [2, 0, 3, 1]
    placed = teacher(order=order).placed(FLOAT32, "cpu")
    with torch.no_grad():
        found = placed.logits(images).double().numpy()
    np.testing.assert_allclose(found, answers_of(teacher(), images)[:, order], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("side", [16, 64])
def test_a_teacher_gets_images_of_the_size_that_it_was_trained_on(side):
    images = torch.full((2, 3, 32, 32), 0.5)
    placed = teacher(side=side).placed(FLOAT32, "cpu")
    with torch.no_grad():
        found = placed.logits(images).double().numpy()
    same = torch.full((2, 3, side, side), 0.5)
    np.testing.assert_allclose(found, answers_of(teacher(side=side), same), rtol=1e-4, atol=1e-4)


def test_a_teacher_is_not_changed_and_answers_without_gradients_or_dropout():
    given = teacher()
    given.network.train()
    made = task(given)
    images, _ = images_and_labels()
    first, second = made.teaching.ask(images), made.teaching.ask(images)
    assert torch.equal(first, second)
    assert not first.requires_grad
    assert given.network.training
    assert given.network.weights.requires_grad


# trainers


def trainer(teachers=(), *, kept=None, count=88, **settings):
    config = TrainConfig(
        **{"batch_size": 16, "epochs": 2, "precision": "float32", "distill_share": 0.7, **settings}
    )
    pixels, labels = pictures(0, count)
    augment = Augment.from_settings(config.to_dict())
    options = {"batch_size": 16, "seed": config.seed, "shuffle": True, "drop_last": True}
    made = Trainer(
        config,
        train=Batches(pixels, labels, augment=augment, **options),
        val=Batches(*pictures(1, 40), batch_size=25),
        num_classes=NUM_CLASSES,
        device="cpu",
        teachers=teachers,
    )
    if kept:
        whole = torch.from_numpy(pixels).permute(0, 3, 1, 2) / 255
        with torch.no_grad():
            placed = [one.placed(FLOAT32, "cpu").logits(whole) for one in teachers]
        answers = KeptAnswers([FeatureBatches([one], labels, **options) for one in placed])
        made.task = made.task.with_answers(answers)
    return made


def gradient(made):
    """The gradient of the first step."""
    next(iter(made.run()))
    return torch.cat([weight.grad.flatten() for weight in made.trained])


@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize("micro_batch", [1, 5, 6])  # of 16 images: even pieces and uneven ones
def test_a_batch_in_pieces_has_the_gradient_of_the_whole(micro_batch, kept, no_norms):
    teachers = [teacher(), teacher(seed=1)]
    whole = gradient(trainer(teachers, kept=kept, **PLAIN))
    pieces = gradient(trainer(teachers, kept=kept, micro_batch=micro_batch, **PLAIN))
    torch.testing.assert_close(pieces, whole, rtol=1e-4, atol=1e-6)
    alone = gradient(trainer(distill_share=0.0, **PLAIN))
    assert not torch.allclose(alone, whole, rtol=0.1)


def values_of(made):
    return [
        {k: v for k, v in dataclasses.asdict(event).items() if "second" not in k}
        for event in made.run()
        if hasattr(event, "kind")
    ]


def test_kept_answers_give_the_curves_of_teachers_that_are_asked_in_each_step():
    teachers = [teacher(order=[1, 0, 2, 3]), teacher(side=16, seed=1)]
    asked = values_of(trainer(teachers, **PLAIN))
    kept = values_of(trainer(teachers, kept=True, **PLAIN))
    assert len(asked) == len(kept) == 12
    for one, other in zip(asked, kept, strict=True):
        assert one == pytest.approx(other, rel=1e-3, abs=1e-5)


def test_kept_answers_are_a_function_of_the_epoch_and_the_batch():
    logits = torch.arange(20.0)[:, None].expand(-1, 3)
    labels = np.arange(20) % 3
    options = {"batch_size": 4, "seed": 5, "shuffle": True, "drop_last": True}
    straight = KeptAnswers([FeatureBatches([logits], labels, **options)])
    wanted = {(e, n): straight.of(e, n)[0] for e in range(2) for n in range(5)}
    jumping = KeptAnswers([FeatureBatches([logits], labels, **options)])
    for epoch, number in [(1, 3), (0, 2), (0, 3), (0, 3), (1, 0)]:
        assert torch.equal(jumping.of(epoch, number)[0], wanted[epoch, number])
    batches = FeatureBatches([logits], labels, **options).epoch(1)
    assert [torch.equal(f, wanted[1, n]) for n, (f, _) in enumerate(batches)] == [True] * 5


@pytest.mark.parametrize("kept", [False, True])
def test_a_taught_run_resumed_in_the_middle_of_an_epoch_ends_bit_for_bit_the_same(kept):
    settings = PLAIN if kept else {"mixup": 0.4, "dropout": 0.2, "model": "simple_cnn_dropout"}
    whole = trainer([teacher()], kept=kept, **settings)
    for _ in whole.run():
        pass
    first = trainer([teacher()], kept=kept, **settings)
    for event in first.run():
        if first.step == 7 and not hasattr(event, "kind"):
            break
    snapshot = first.snapshot()
    again = trainer([teacher()], kept=kept, **settings)
    again.restore(snapshot)
    for _ in again.run():
        pass
    mine, theirs = again.model.state_dict(), whole.model.state_dict()
    assert all(torch.equal(tensor, theirs[name]) for name, tensor in mine.items())


def test_teachers_change_neither_the_first_weights_nor_the_images_of_a_run():
    taught, alone = trainer([teacher()]), trainer(distill_share=0.0)
    pairs = zip(taught.model.parameters(), alone.model.parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)


# settings


@pytest.mark.parametrize(
    ("settings", "kept"),
    [
        (PLAIN, True),
        ({}, False),
        ({**PLAIN, "mixup": 0.2}, False),
        ({**PLAIN, "cutmix": 0.2}, False),
        ({**PLAIN, "flip_mode": "alternate"}, True),
        ({"model": "mobilenet_v2_imagenet", "plan": "head"}, True),
        ({"model": "mobilenet_v2_imagenet", "plan": "head", "cached_views": 0}, False),
    ],
    ids=str,
)
def test_answers_are_kept_where_the_images_stay_the_same(settings, kept):
    config = TrainConfig(**settings, distill_share=0.5)
    assert keeps_answers(config) == kept
    config, asked = asked_each_time(config, [teacher()])
    assert bool(asked) == bool(config.distill_share) == (not kept)


def test_a_share_without_teachers_and_teachers_without_a_share_are_refused():
    with pytest.raises(ConfigError, match="no run is chosen as a teacher"):
        task()
    with pytest.raises(ConfigError, match="1 teacher is chosen, but distill_share is 0"):
        task(teacher(), distill_share=0.0)
    with pytest.raises(ConfigError, match="2 teachers are chosen"):
        TrainConfig().check_teachers(2)


def test_the_settings_appear_only_once_the_share_is_set():
    names = {"distill_share", "distill_temperature"}
    assert not names & {f.name for f in TrainConfig().relevant()}
    assert names <= {f.name for f in TrainConfig(distill_share=0.1).relevant()}
