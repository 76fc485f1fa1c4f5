"""The task of a run: which images the network gets, and how its answers are judged.

The trainer knows nothing of labels: what it learns from, such as mixed images, smoothed labels or
weights of classes, is in here.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from cifar_core.config import TrainConfig
from cifar_core.training.task.batch import Batch
from cifar_core.training.task.mixing import Mixing
from cifar_core.training.task.training_loss import LossOf, training_loss


@dataclass(frozen=True, kw_only=True)
class Task:
    """Classification: each image shows one class, or two after it was mixed with another."""

    loss_of: LossOf
    mixing: Mixing

    def batch(self, images: Tensor, labels: Tensor, *, epoch: int, number: int) -> Batch:
        """Return what the network gets of a whole batch, by its number in an epoch.

        The images [n, 3, S, S] may be changed in place.
        """
        return self.mixing(Batch(images=images, labels=labels), epoch=epoch, number=number)

    def loss(self, logits: Tensor, batch: Batch) -> Tensor:
        """Return the mean loss [] in nats of the logits [n, K] for a batch, or a piece of one.

        The loss is linear in the target, so two classes count by their shares.
        """
        loss = self.loss_of(logits, batch.labels)
        if batch.others is None:
            return loss
        return batch.share * loss + (1 - batch.share) * self.loss_of(logits, batch.others)

    def right(self, logits: Tensor, batch: Batch) -> Tensor:
        """Return how many [] of the logits [n, K] name the class with the larger share."""
        return (logits.argmax(dim=1) == batch.main_labels).sum()


def task_of(config: TrainConfig, truth: NDArray[np.int64], num_classes: int, device: str) -> Task:
    """Return the task of a run, for the labels [N] of its training images."""
    return Task(
        loss_of=training_loss(config, truth, num_classes, device),
        mixing=Mixing.from_config(config),
    )
