"""Ranks the images that are worth viewing, the most informative first."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cifar_core.evaluation.scores import losses
from cifar_core.evaluation.softmax import log_softmax
from cifar_core.registry import Registry

Logs = NDArray[np.float64]  # log-probabilities [N, K]
Labels = NDArray[np.integer]  # [N]


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """One way to order images."""

    key: str
    title: str
    summary: str
    worth: Callable[[Logs, Labels], NDArray[np.float64]]  # [N]; the highest come first
    wrong_only: bool = False


def confidence(logs: Logs, labels: Labels) -> NDArray[np.float64]:
    """Return the log-probability [N] of the predicted class."""
    highest: NDArray[np.float64] = logs.max(axis=1)
    return highest


def entropy(logs: Logs, labels: Labels) -> NDArray[np.float64]:
    """Return the entropy [N] of the probabilities, in nats: from 0 to log K."""
    nats: NDArray[np.float64] = -(np.exp(logs) * logs).sum(axis=1)
    return nats


def closeness(logs: Logs, labels: Labels) -> NDArray[np.float64]:
    """Return the second highest probability minus the highest [N]; 0 for a tie, else negative."""
    top = np.sort(np.exp(logs), axis=1)[:, -2:]
    margin: NDArray[np.float64] = top[:, 0] - top[:, -1]
    return margin


RANKINGS: Registry[Ranking] = Registry(
    "ranking",
    [
        Ranking(
            key="confident",
            title="Most confident wrong",
            summary="Wrong predictions, most confident first: wrong labels are often among them.",
            worth=confidence,
            wrong_only=True,
        ),
        Ranking(
            key="loss",
            title="Highest loss",
            summary="Images whose true class has the lowest probability.",
            worth=losses,
        ),
        Ranking(
            key="entropy",
            title="Most uncertain",
            summary="Images whose probabilities are spread most evenly over the classes (entropy).",
            worth=entropy,
        ),
        Ranking(
            key="margin",
            title="Closest call",
            summary="Images with the smallest lead of the most likely class over the second.",
            worth=closeness,
        ),
    ],
)


def ranked(
    logits: NDArray[np.floating],
    labels: Labels,
    ranking: str = "confident",
    *,
    among: NDArray[np.bool_] | None = None,
) -> NDArray[np.int64]:
    """Return the indices of images in the order of a ranking, of those `among` [N]; all if None."""
    spec = RANKINGS[ranking]
    chosen = np.ones(len(labels), bool) if among is None else among
    if spec.wrong_only:
        chosen = chosen & (logits.argmax(axis=1) != labels)
    rows = np.flatnonzero(chosen)
    worth = spec.worth(log_softmax(logits[rows]), labels[rows])
    ordered: NDArray[np.int64] = rows[np.argsort(-worth, kind="stable")]
    return ordered
