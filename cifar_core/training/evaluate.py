"""Classifies a whole set of images once, returning control to the caller after every batch."""

import math
from collections.abc import Generator, Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from cifar_core.data.batches import Batches
from cifar_core.data.test_views import TEST_VIEWS, ViewsSpec
from cifar_core.evaluation.scores import balanced_accuracy, class_scores, macro_f1
from cifar_core.training.events import TestEvent, Tick
from cifar_core.training.features import FeatureBatches
from cifar_core.training.step.precision import Precision

MOST_KEPT = 8_000_000  # logits of one set of images: 32 MB in memory and on the disk


class KeptLogits:
    """The logits of the set of images that was classified last, as it was without test views."""

    def __init__(self) -> None:
        self.batches: list[Tensor] = []

    def begin(self) -> None:
        """Forget the set before."""
        self.batches.clear()

    def add(self, logits: Tensor, images: int) -> None:
        """Keep the logits [n, K] of a batch, unless the whole set of images has too many."""
        if images * logits.shape[1] <= MOST_KEPT:
            self.batches.append(logits)

    def array(self) -> NDArray[np.float32] | None:
        """Return them [N, K], in the order of the images; None of a set that has too many."""
        if not self.batches:
            return None
        logits: NDArray[np.float32] = torch.cat(self.batches).cpu().numpy()
        return logits


@dataclass(frozen=True, kw_only=True)
class Score:
    """The result of classifying a set of images."""

    loss: float  # mean cross-entropy in nats, without label smoothing
    accuracy: float  # share right, 0 to 1
    plain_accuracy: float  # the same from the unaltered images, regardless of the views
    views: str  # a key of TEST_VIEWS
    images: int
    balanced_accuracy: float  # mean over the classes of the share of their images that are right
    macro_f1: float  # mean over the classes of the F1 score, 0 to 1


def evaluate(
    model: nn.Module,
    batches: Batches | FeatureBatches,
    precision: Precision,
    phase: str,
    views: ViewsSpec = TEST_VIEWS["plain"],
    kept: KeptLogits | None = None,
) -> Generator[Tick, None, Score]:
    """Yield a Tick after each batch and return the Score; the train/eval modes are restored.

    The logits of the unaltered images go into `kept`, if there is one.
    """
    if kept is not None:
        kept.begin()
    were_training = [(module, module.training) for module in model.modules()]
    model.eval()
    sums = torch.zeros(3, device=batches.device)  # loss, right, right from the unaltered images
    cells = torch.zeros(0, dtype=torch.int64, device=batches.device)  # true and predicted classes
    for done, (images, labels) in enumerate(batches.epoch(), start=1):
        with torch.inference_mode():
            with precision.autocast():
                logits, plain = classified(model, images, views)
            loss = F.cross_entropy(logits, labels, reduction="sum")
            right = [(scores.argmax(dim=1) == labels).sum() for scores in (logits, plain)]
            sums = sums + torch.stack([loss, *right])
            classes = logits.shape[1]
            if done == 1:
                cells = labels.new_zeros(classes * classes)
            places = labels * classes + logits.argmax(dim=1)
            cells.scatter_add_(0, places, torch.ones_like(places))  # bincount would wait for a GPU
        if kept is not None:
            kept.add(plain, batches.images)
        yield Tick(phase=phase, done=done, total=len(batches))
    for module, was_training in were_training:
        module.training = was_training
    means = [value / batches.images for value in sums.tolist()]
    by_class = class_scores(cells.cpu().numpy().reshape(classes, classes))
    return Score(
        loss=means[0],
        accuracy=means[1],
        plain_accuracy=means[2],
        views=views.key,
        images=batches.images,
        balanced_accuracy=balanced_accuracy(by_class),
        macro_f1=macro_f1(by_class),
    )


def classified(model: nn.Module, images: Tensor, views: ViewsSpec) -> tuple[Tensor, Tensor]:
    """Return the logits [N, K] in the views, and those of the unaltered images [N, 3, H, W]."""
    plain = model(images).float()
    if views.share == 1:
        others = [model(view).float() for view in views.make(images)[1:]]
        return sum_of([plain, *others], views.weights), plain
    unsure = least_sure(plain, math.ceil(views.share * len(plain)))
    others = [model(view).float() for view in views.make(images[unsure])[1:]]
    return plain.index_copy(0, unsure, sum_of([plain[unsure], *others], views.weights)), plain


def least_sure(logits: Tensor, count: int) -> Tensor:
    """Return the rows of logits [N, K] whose two largest are closest; a fixed number, unsorted.

    A count that is known beforehand needs no wait for the device, and keeps one shape per batch.
    """
    first, second = logits.topk(2, dim=1).values.unbind(dim=1)
    return (first - second).topk(count, largest=False, sorted=False).indices


def sum_of(tensors: list[Tensor], weights: tuple[float, ...]) -> Tensor:
    """Return the weighted sum."""
    return torch.stack([t * w for t, w in zip(tensors, weights, strict=True)]).sum(dim=0)


def evaluate_test(
    model: nn.Module,
    batches: Batches | FeatureBatches,
    precision: Precision,
    *,
    step: int,
    epoch: int,
    views: str = "plain",
    kept: KeptLogits | None = None,
) -> Iterator[Tick | TestEvent]:
    """Classify the test images with the weights of an epoch; the last item is the result."""
    score = yield from evaluate(model, batches, precision, "test", TEST_VIEWS[views], kept)
    yield TestEvent(
        step=step,
        epoch=epoch,
        test_loss=score.loss,
        test_accuracy=score.accuracy,
        test_balanced_accuracy=score.balanced_accuracy,
        test_macro_f1=score.macro_f1,
        plain_accuracy=score.plain_accuracy,
        views=score.views,
        images=score.images,
    )
