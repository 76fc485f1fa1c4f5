"""The usual figures of a classifier, with their intervals."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cifar_core.evaluation.calibration import Reliability, brier, reliability
from cifar_core.evaluation.confusion import confusion
from cifar_core.evaluation.softmax import log_softmax
from cifar_core.statistics.intervals import mean_of_shares, wilson

TOP = 3  # most likely classes, of which one must be the true one


@dataclass(frozen=True, kw_only=True)
class Share:
    """How many of the images have a property."""

    hits: int
    count: int

    @property
    def share(self) -> float:
        """The part of the images, in [0, 1]."""
        return self.hits / self.count if self.count else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % Wilson interval of the share, in [0, 1]."""
        return wilson(self.share, self.count)


@dataclass(frozen=True, kw_only=True)
class ClassScore:
    """How well one class is distinguished from the others; shares in [0, 1]."""

    precision: float  # share of the predictions of this class that are right
    recall: float  # share of its images that are predicted right: its accuracy
    f1: float  # harmonic mean of the two
    count: int  # number of its images
    predicted: int  # predictions of this class


@dataclass(frozen=True, kw_only=True)
class Scores:
    """The figures of predictions on N images of K classes."""

    top1: Share
    top3: Share
    loss: float  # mean negative log-likelihood, in nats
    brier: float  # mean squared distance from the truth, in [0, 2]
    reliability: Reliability
    classes: tuple[ClassScore, ...]  # K

    @property
    def macro_f1(self) -> float:
        """The mean of the classes' F1, each class with equal weight."""
        return macro_f1(self.classes)

    @property
    def balanced_accuracy(self) -> float:
        """The mean of the classes' recall, each class with equal weight, in [0, 1]."""
        return balanced_accuracy(self.classes)

    @property
    def balanced_interval(self) -> tuple[float, float]:
        """The 95 % interval of the balanced accuracy, in [0, 1]."""
        there = [score for score in self.classes if score.count]
        return mean_of_shares([s.recall for s in there], [s.count for s in there])


def scores(
    logits: NDArray[np.floating], labels: NDArray[np.integer], temperature: float = 1.0
) -> Scores:
    """Compute the figures of logits [N, K], divided by a temperature, for the labels [N]."""
    logs = log_softmax(logits, temperature)
    probabilities, count = np.exp(logs), len(labels)
    return Scores(
        top1=Share(hits=int((logits.argmax(axis=1) == labels).sum()), count=count),
        top3=Share(hits=int(within_top(logits, labels, TOP).sum()), count=count),
        loss=float(losses(logs, labels).mean()),
        brier=brier(probabilities, labels),
        reliability=reliability(probabilities, labels),
        classes=class_scores(confusion(logits.argmax(axis=1), labels, logits.shape[1])),
    )


def losses(logs: NDArray[np.float64], labels: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return the negative log-likelihood [N] of the labels, given log-probabilities [N, K]."""
    nats: NDArray[np.float64] = -logs[np.arange(len(labels)), labels]
    return nats


def within_top(
    logits: NDArray[np.floating], labels: NDArray[np.integer], top: int
) -> NDArray[np.bool_]:
    """Return a flag for each image [N]: True if its label is among the `top` most likely classes.

    Among equal logits the class that comes first counts as more likely, as in argmax.
    """
    own = logits[np.arange(len(labels)), labels][:, None]
    earlier = np.arange(logits.shape[1]) < labels[:, None]
    ahead = (logits > own) | ((logits == own) & earlier)
    flags: NDArray[np.bool_] = ahead.sum(axis=1) < top
    return flags


def class_scores(counts: NDArray[np.int64]) -> tuple[ClassScore, ...]:
    """Return each class's figures from a confusion matrix [K, K]; 0 instead of 0 / 0."""
    result = []
    for k in range(len(counts)):
        hits, images, predicted = int(counts[k, k]), int(counts[k].sum()), int(counts[:, k].sum())
        result.append(
            ClassScore(
                precision=hits / predicted if predicted else 0.0,
                recall=hits / images if images else 0.0,
                f1=2 * hits / (images + predicted) if images + predicted else 0.0,
                count=images,
                predicted=predicted,
            )
        )
    return tuple(result)


def macro_f1(classes: Sequence[ClassScore]) -> float:
    """Return the mean of the classes' F1 in [0, 1], each class with equal weight."""
    return float(np.mean([score.f1 for score in classes]))


def balanced_accuracy(classes: Sequence[ClassScore]) -> float:
    """Return the mean recall in [0, 1] of the classes that have images; 0 without images.

    Always guessing one class gives 1 / K, however uneven the classes are. Brodersen et al.,
    "The balanced accuracy and its posterior distribution", ICPR 2010.
    """
    recalls = [score.recall for score in classes if score.count]
    return float(np.mean(recalls)) if recalls else 0.0
