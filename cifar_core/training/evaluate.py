"""Classifies a whole set of images once, giving way to the caller after every batch."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from cifar_core.data.batches import Batches
from cifar_core.training.events import TestEvent, Tick
from cifar_core.training.features import FeatureBatches
from cifar_core.training.precision import Precision


@dataclass(frozen=True, kw_only=True)
class Score:
    """How well a set was classified."""

    loss: float  # mean cross-entropy in nats, without label smoothing
    accuracy: float  # share right, 0 to 1
    images: int


def evaluate(
    model: nn.Module, batches: Batches | FeatureBatches, precision: Precision, phase: str
) -> Generator[Tick, None, Score]:
    """Yield a Tick after each batch and return the Score; the train/eval modes are restored."""
    were_training = [(module, module.training) for module in model.modules()]
    model.eval()
    loss = correct = None
    for done, (images, labels) in enumerate(batches.epoch(), start=1):
        with torch.inference_mode():
            with precision.autocast():
                logits = model(images)
            batch_loss = F.cross_entropy(logits.float(), labels, reduction="sum")
            batch_correct = (logits.argmax(dim=1) == labels).sum()
            loss = batch_loss if loss is None else loss + batch_loss
            correct = batch_correct if correct is None else correct + batch_correct
        yield Tick(phase=phase, done=done, total=len(batches))
    for module, was_training in were_training:
        module.training = was_training
    assert loss is not None
    assert correct is not None
    return Score(
        loss=loss.item() / batches.images,
        accuracy=correct.item() / batches.images,
        images=batches.images,
    )


def evaluate_test(
    model: nn.Module,
    batches: Batches | FeatureBatches,
    precision: Precision,
    *,
    step: int,
    epoch: int,
) -> Iterator[Tick | TestEvent]:
    """Classify the test images with the weights of the given epoch; the last item is the result."""
    score = yield from evaluate(model, batches, precision, phase="test")
    yield TestEvent(
        step=step,
        epoch=epoch,
        test_loss=score.loss,
        test_accuracy=score.accuracy,
        images=score.images,
    )
