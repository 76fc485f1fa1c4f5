"""Training images that a rate search sets aside to evaluate its candidates."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from cifar_core.data.augmentation.augment import order
from cifar_core.data.batches import Batches
from cifar_core.data.dataset import Dataset
from cifar_core.errors import DataError
from cifar_core.training.features import FeatureBatches
from cifar_core.training.setup import Setup, evaluation_batches, parts, training_batches
from cifar_core.training.task.task import Task
from cifar_core.training.task.teachers import KeptAnswers
from cifar_core.training.trainer import Trainer

QUICK, FULL = 250, 1000  # images evaluated often, and at the end
SHARE = 5  # at most a fifth of the training images is set aside
LEAST = 20
PROBE_SEED = 0  # the same images for every run's seed, so that searches can be compared

AnyBatches = Batches | FeatureBatches


@dataclass(frozen=True)
class Probe:
    """The images that evaluate the candidates, classes mixed: a few for frequent use, and all."""

    quick: AnyBatches
    full: AnyBatches


def hold_out(setup: Setup, dataset: Dataset) -> tuple[AnyBatches, Probe]:
    """Split the training images into those of the search's steps and those of its probe.

    The probe's images are not augmented; the steps' follow the run's own seed.
    """
    trainer = setup.trainer
    aside, rest = divided(trainer)
    if isinstance(trainer.train_batches, FeatureBatches):
        return of_features(trainer.train_batches, aside, rest)
    config, device = trainer.config, setup.test.device
    part, _ = parts(config, dataset)
    steps = training_batches(config, dataset.train, part[rest], str(device))
    quick, full = (
        evaluation_batches(
            dataset.train,
            part[some],
            str(device),
            config.computes_on,
            at_most=config.micro_batch,
        )
        for some in (aside[:QUICK], aside)
    )
    return steps, Probe(quick, full)


def divided(trainer: Trainer) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the indexes of the training images for the probe, and of those for the steps."""
    count = trainer.train_batches.images
    size = min(FULL, count // SHARE, count - trainer.config.batch_size)
    if size < LEAST:
        raise DataError(
            f"There are {count} training images, too few to set {LEAST} aside and still fill a "
            f"batch of {trainer.config.batch_size}. Choose a smaller batch_size or more images."
        )
    shuffled = order(count, seed=PROBE_SEED, epoch=0)
    return shuffled[:size], np.sort(shuffled[size:])


def task_of_steps(trainer: Trainer) -> Task:
    """Return the trainer's task for the images of the steps: of kept answers, those to them."""
    teaching = trainer.task.teaching
    if teaching is None or teaching.kept is None:
        return trainer.task
    _, rest = divided(trainer)
    kept = [
        chosen(answers, answers.views, rest, like=True) for answers in teaching.kept.of_teachers
    ]
    return trainer.task.with_answers(KeptAnswers(kept))


def of_features(
    batches: FeatureBatches, aside: NDArray[np.int64], rest: NDArray[np.int64]
) -> tuple[FeatureBatches, Probe]:
    """Split kept features; the probe uses the view that is not augmented."""
    plain = batches.views[:1]
    quick, full = (chosen(batches, plain, part, like=False) for part in (aside[:QUICK], aside))
    return chosen(batches, batches.views, rest, like=True), Probe(quick, full)


def chosen(
    batches: FeatureBatches, views: list[Tensor], where: NDArray[np.int64], *, like: bool
) -> FeatureBatches:
    """Return some images' part of some views, in batches `like` those of the steps or in order."""
    index = torch.from_numpy(where)
    return FeatureBatches(
        [view.index_select(0, index) for view in views],
        batches.labels[index].numpy(),
        batch_size=batches.batch_size if like else QUICK,
        device=str(batches.device),
        seed=batches.seed,
        shuffle=like,
        order=batches.order,
        drop_last=like,
    )


def losses_of(trainer: Trainer, batches: AnyBatches) -> Iterator[Tensor]:
    """Yield each batch's losses [n] in nats, with the present weights."""
    with probing(trainer.model):
        for images, labels in batches.epoch():
            with torch.no_grad(), trainer.precision.autocast():
                logits = trainer.learner(images)
            yield F.cross_entropy(logits.float(), labels, reduction="none")


@contextmanager
def probing(model: nn.Module) -> Iterator[None]:
    """Turn off dropout, but normalize by the batch: its running averages are not ready yet.

    The averages themselves and the modes are left as they were.
    """
    were_training = [(module, module.training) for module in model.modules()]
    norms = [m for m in model.modules() if isinstance(m, _BatchNorm) and m.training]
    kept = [(buffer, buffer.clone()) for norm in norms for buffer in norm.buffers()]
    model.eval()
    for norm in norms:
        norm.train()
    try:
        yield
    finally:
        for module, was_training in were_training:
            module.training = was_training
        for buffer, value in kept:
            buffer.copy_(value)
