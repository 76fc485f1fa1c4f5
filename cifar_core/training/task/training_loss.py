"""The loss whose gradient moves the weights: cross-entropy, smoothed or with weights of classes."""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from cifar_core.config import TrainConfig
from cifar_core.data.uneven.class_weights import weights

LossOf = Callable[[Tensor, Tensor], Tensor]  # logits [n, K], labels [n] -> mean loss in nats, []


def training_loss(
    config: TrainConfig, truth: NDArray[np.int64], num_classes: int, device: str
) -> LossOf:
    """Return the loss that a run minimizes, for the labels [N] of its training images."""
    counts = np.bincount(truth, minlength=num_classes)
    of_classes = weights(counts, config.class_weights)
    smoothing = config.label_smoothing
    if of_classes is None:
        return partial(F.cross_entropy, label_smoothing=smoothing)
    return partial(
        weighted, torch.tensor(of_classes, dtype=torch.float32, device=device), smoothing
    )


def weighted(of_classes: Tensor, smoothing: float, logits: Tensor, labels: Tensor) -> Tensor:
    """Return the mean over a batch of each image's loss times the weight of its class.

    It is divided by the number of images, not by the sum of their weights, so that a batch that
    is cut into pieces has the same gradient as in one.
    """
    losses = F.cross_entropy(logits, labels, label_smoothing=smoothing, reduction="none")
    return (losses * of_classes[labels]).mean()
