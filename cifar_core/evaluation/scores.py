"""The figures by which a classifier is usually judged, with their intervals."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cifar_core.evaluation.calibration import Reliability, brier, reliability
from cifar_core.evaluation.confusion import confusion
from cifar_core.evaluation.softmax import log_softmax
from cifar_core.statistics.intervals import wilson

TOP = 3  # classes among which the true one may be


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
    """How well one class is told from the others; shares in [0, 1]."""

    precision: float  # of the answers with this class, how many are right
    recall: float  # of its images, how many are found: its accuracy
    f1: float  # harmonic mean of the two
    count: int  # its images
    answered: int  # answers with this class


@dataclass(frozen=True, kw_only=True)
class Scores:
    """What N answers to K classes are worth."""

    top1: Share
    top3: Share
    loss: float  # mean negative log-likelihood, in nats
    brier: float  # mean squared distance from the truth, in [0, 2]
    reliability: Reliability
    classes: tuple[ClassScore, ...]  # K

    @property
    def macro_f1(self) -> float:
        """The mean of the classes' F1, each class with equal weight."""
        return float(np.mean([each.f1 for each in self.classes]))


def scores(
    logits: NDArray[np.floating], labels: NDArray[np.integer], temperature: float = 1.0
) -> Scores:
    """Judge the logits [N, K], divided by a temperature, by the labels [N]."""
    logs = log_softmax(logits, temperature)
    chances, count = np.exp(logs), len(labels)
    return Scores(
        top1=Share(hits=int((logits.argmax(axis=1) == labels).sum()), count=count),
        top3=Share(hits=int(within_top(logits, labels, TOP).sum()), count=count),
        loss=float(losses(logs, labels).mean()),
        brier=brier(chances, labels),
        reliability=reliability(chances, labels),
        classes=class_scores(confusion(logits.argmax(axis=1), labels, logits.shape[1])),
    )


def losses(logs: NDArray[np.float64], labels: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return the negative log-likelihood [N] of the labels, given log-probabilities [N, K]."""
    found: NDArray[np.float64] = -logs[np.arange(len(labels)), labels]
    return found


def within_top(
    logits: NDArray[np.floating], labels: NDArray[np.integer], top: int
) -> NDArray[np.bool_]:
    """Tell of each image [N] whether its label is among the likeliest few classes.

    Among equal logits the class that comes first counts as likelier, as in argmax.
    """
    own = logits[np.arange(len(labels)), labels][:, None]
    earlier = np.arange(logits.shape[1]) < labels[:, None]
    ahead = (logits > own) | ((logits == own) & earlier)
    found: NDArray[np.bool_] = ahead.sum(axis=1) < top
    return found


def class_scores(counts: NDArray[np.int64]) -> tuple[ClassScore, ...]:
    """Return each class's figures from a confusion matrix [K, K]; 0 where a share is of nothing."""
    found = []
    for k in range(len(counts)):
        hits, of, answered = int(counts[k, k]), int(counts[k].sum()), int(counts[:, k].sum())
        found.append(
            ClassScore(
                precision=hits / answered if answered else 0.0,
                recall=hits / of if of else 0.0,
                f1=2 * hits / (of + answered) if of + answered else 0.0,
                count=of,
                answered=answered,
            )
        )
    return tuple(found)
