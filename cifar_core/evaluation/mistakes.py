"""The images worth looking at, the most telling first."""

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
    """A way to put images in order."""

    key: str
    title: str
    summary: str
    worth: Callable[[Logs, Labels], NDArray[np.float64]]  # [N]; the highest come first
    wrong_only: bool = False


def sureness(logs: Logs, labels: Labels) -> NDArray[np.float64]:
    """Return the log-probability [N] of the answer."""
    found: NDArray[np.float64] = logs.max(axis=1)
    return found


def entropy(logs: Logs, labels: Labels) -> NDArray[np.float64]:
    """Return the entropy [N] of the probabilities, in nats: 0 if sure, log K if clueless."""
    found: NDArray[np.float64] = -(np.exp(logs) * logs).sum(axis=1)
    return found


def closeness(logs: Logs, labels: Labels) -> NDArray[np.float64]:
    """Return minus the lead [N] of the likeliest class over the second, as probabilities."""
    top = np.sort(np.exp(logs), axis=1)[:, -2:]
    found: NDArray[np.float64] = top[:, 0] - top[:, -1]  # below 0: the second less the first
    return found


RANKINGS: Registry[Ranking] = Registry(
    "ranking",
    [
        Ranking(
            key="confident",
            title="Most confident wrong",
            summary="Wrong answers, the surest first: wrong labels are often among them.",
            worth=sureness,
            wrong_only=True,
        ),
        Ranking(
            key="loss",
            title="Highest loss",
            summary="Images whose true class the network holds for least likely.",
            worth=losses,
        ),
        Ranking(
            key="entropy",
            title="Most uncertain",
            summary="Images whose probabilities are spread widest over the classes (entropy).",
            worth=entropy,
        ),
        Ranking(
            key="margin",
            title="Closest call",
            summary="Images with the smallest lead of the likeliest class over the second.",
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
    """Return the rows of the logits [N, K] in the order of a ranking, of those `among` [N]."""
    spec = RANKINGS[ranking]
    passes = np.ones(len(labels), bool) if among is None else among
    if spec.wrong_only:
        passes = passes & (logits.argmax(axis=1) != labels)
    rows = np.flatnonzero(passes)
    worth = spec.worth(log_softmax(logits[rows]), labels[rows])
    found: NDArray[np.int64] = rows[np.argsort(-worth, kind="stable")]
    return found
