"""Classifies a whole set of images, returning control to the caller after every batch."""

import math
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from cifar_core.data.batches import Batches
from cifar_core.data.test_views import TEST_VIEWS, ViewsSpec
from cifar_core.evaluation.scores import balanced_accuracy, class_scores, macro_f1
from cifar_core.training.arrival import Arrival
from cifar_core.training.events import TestEvent, Tick
from cifar_core.training.features import FeatureBatches
from cifar_core.training.ranks.ranks import ALONE, Ranks
from cifar_core.training.step.precision import Precision

MOST_KEPT = 8_000_000  # logits of one set of images: 32 MB in memory and on the disk


class KeptLogits:
    """The logits of the set of images that was classified last, as it was without test views."""

    def __init__(self) -> None:
        self.logits: Tensor | None = None
        self.answers: Tensor | None = None  # the most likely class [N], on the device
        self.margins: Tensor | None = None  # how sure it is [N]: see `margins`

    def keep(self, logits: Tensor) -> None:
        """Keep the logits [N, K] of a whole set of images instead of the set before.

        Of a set that has too many, only the answers and how sure they are are kept.
        """
        self.logits = logits if logits.numel() <= MOST_KEPT else None
        self.answers, self.margins = logits.argmax(dim=1), margins(logits)

    def array(self) -> NDArray[np.float32] | None:
        """Return them [N, K], in the order of the images; None of a set that has too many."""
        if self.logits is None:
            return None
        logits: NDArray[np.float32] = self.logits.cpu().numpy()
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
    ranks: Ranks = ALONE,
) -> Generator[Tick, None, Score]:
    """Yield a Tick after each batch and return the Score; the train/eval modes are restored.

    The batches are in the order of the images. The logits of all unaltered images [N, K] are held
    on the device until the end; then they go into `kept`, if there is one. Several ranks must all
    call this, with batches that they share; each gets the logits of all images, and the same Score.
    """
    were_training = [(module, module.training) for module in model.modules()]
    model.eval()
    looks = Looks(model, batches, precision, phase, views, ranks)
    logits, plain, labels = yield from looks.at_all()
    if looks.again:
        logits = yield from looks.at_the_least_sure(plain)
    for module, was_training in were_training:
        module.training = was_training
    if kept is not None:
        kept.keep(plain)
    return scored(logits, plain, labels, views, ranks)


@dataclass(frozen=True)
class Looks:
    """The one or two passes over a set of images in which it is classified.

    Which images are the least sure is known after the first pass, and does not depend on the
    batches: the same logits give the same images.
    """

    model: nn.Module
    batches: Batches | FeatureBatches
    precision: Precision
    phase: str
    views: ViewsSpec
    ranks: Ranks = ALONE

    @property
    def again(self) -> int:
        """How many images are classified again in a second pass."""
        share = self.views.share
        return 0 if share == 1 else math.ceil(share * self.batches.images)

    def at_all(self) -> Generator[Tick, None, tuple[Tensor, Tensor, Tensor]]:
        """Return logits, those of the unaltered images (both [N, K]), and labels [N].

        The logits are in all views already, unless there is a second pass.
        """
        logits, plain = [], []
        for done, (images, _) in enumerate(self.batches.epoch(), start=1):
            if len(images):  # else the last batch is too small for every rank to get a part
                with torch.inference_mode(), self.precision.autocast():
                    plain.append(self.model(images).float())
                    logits.append(plain[-1] if self.again else self._in_views(images, plain[-1]))
            yield self._tick(done)
        everything = self._of_all(plain, self.batches.images)
        in_views = everything if self.again else self._of_all(logits, self.batches.images)
        return in_views, everything, self.batches.labels.to(everything.device)

    def at_the_least_sure(self, plain: Tensor) -> Generator[Tick, None, Tensor]:
        """Return the logits [N, K] with those of the least sure images in all views."""
        unsure = least_sure(plain, self.again)
        arrival = Arrival(unsure.device)
        order = arrival.copy(unsure)
        arrival.send()
        arrival.wait()
        batches = cast("Batches", self.batches)  # kept features have no views
        firsts = self._own(plain[unsure])
        logits = [plain[:0]]
        for done, (images, _) in enumerate(batches.chosen(order.numpy()), start=len(batches) + 1):
            if count := len(images):
                first, firsts = firsts[:count], firsts[count:]
                with torch.inference_mode(), self.precision.autocast():
                    logits.append(self._in_views(images, first))
            yield self._tick(done)
        return plain.index_copy(0, unsure, self._of_all(logits, self.again))

    def _own(self, rows: Tensor) -> Tensor:
        """Return those of the rows [n, ...] whose images this rank reads."""
        if self.ranks.world == 1:
            return rows
        places = torch.from_numpy(cast("Batches", self.batches).places(len(rows)))
        return rows[places.to(rows.device)]

    def _of_all(self, rows: list[Tensor], count: int) -> Tensor:
        """Return the rows [count, K] of all ranks, given this one's, batch by batch."""
        own = torch.cat(rows)
        if self.ranks.world == 1:
            return own
        return self.ranks.gather(own, cast("Batches", self.batches).places(count), count)

    def _in_views(self, images: Tensor, plain: Tensor) -> Tensor:
        others = [self.model(view).float() for view in self.views.make(images)[1:]]
        return sum_of([plain, *others], self.views.weights)

    def _tick(self, done: int) -> Tick:
        second = math.ceil(self.again / self.batches.batch_size)
        return Tick(phase=self.phase, done=done, total=len(self.batches) + second)


def least_sure(logits: Tensor, count: int) -> Tensor:
    """Return the rows of logits [N, K] whose two largest are closest, in ascending order.

    Of equally sure rows the first are taken. A count that is known beforehand needs no wait for
    the device.
    """
    return margins(logits).sort(stable=True).indices[:count].sort().values


def margins(logits: Tensor) -> Tensor:
    """Return how far the two largest of each row of logits [N, K] are apart."""
    largest = logits.topk(min(2, logits.shape[1]), dim=1).values  # a single class is never sure
    return largest[:, 0] - largest[:, -1]


@torch.inference_mode()
def scored(
    logits: Tensor, plain: Tensor, labels: Tensor, views: ViewsSpec, ranks: Ranks = ALONE
) -> Score:
    """Score the logits [N, K] in the views, and those of the unaltered images.

    Of several ranks, which have the same logits, the sums of the first count, so that no rounding
    of a device makes one of them stop early and another not.
    """
    images, classes = logits.shape
    loss = F.cross_entropy(logits, labels, reduction="sum")
    right = [(scores.argmax(dim=1) == labels).sum() for scores in (logits, plain)]
    means = [value / images for value in ranks.first(torch.stack([loss, *right])).tolist()]
    cells = labels.new_zeros(classes * classes)  # true and predicted classes
    places = labels * classes + logits.argmax(dim=1)
    cells.scatter_add_(0, places, torch.ones_like(places))  # bincount would wait for a GPU
    by_class = class_scores(cells.cpu().numpy().reshape(classes, classes))
    return Score(
        loss=means[0],
        accuracy=means[1],
        plain_accuracy=means[2],
        views=views.key,
        images=images,
        balanced_accuracy=balanced_accuracy(by_class),
        macro_f1=macro_f1(by_class),
    )


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
    ranks: Ranks = ALONE,
) -> Iterator[Tick | TestEvent]:
    """Classify the test images with the weights of an epoch; the last item is the result."""
    score = yield from evaluate(model, batches, precision, "test", TEST_VIEWS[views], kept, ranks)
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
