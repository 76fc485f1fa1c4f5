"""The task of a run: which images the network gets, and how its answers are judged.

The trainer knows nothing of labels: what it learns from, such as mixed images, smoothed labels,
weights of classes or teachers, is in here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from cifar_core.config import TrainConfig
from cifar_core.training.step.step_plan import StepPlan
from cifar_core.training.task.batch import Batch
from cifar_core.training.task.mixing import Mixing
from cifar_core.training.task.teachers import KeptAnswers, Teacher, Teaching, teaching_of
from cifar_core.training.task.training_loss import LossOf, training_loss


@dataclass(frozen=True, kw_only=True)
class Task:
    """Classification: each image shows one class, or two after it was mixed with another."""

    loss_of: LossOf
    mixing: Mixing
    teaching: Teaching | None = None  # None if it learns from the labels alone
    before: int = 0  # images before this rank's part of a batch, which only mix with it

    def batch(self, images: Tensor, labels: Tensor, *, epoch: int, number: int) -> Batch:
        """Return what the network gets of a batch, by its number in an epoch.

        It is the whole batch, or this rank's part after the images `before` it. The images
        [n, 3, S, S] may be changed in place.
        """
        taught = self.teaching.kept_probabilities(epoch, number) if self.teaching else None
        batch = Batch(images=images, labels=labels, taught=taught)
        batch = self.mixing(batch, epoch=epoch, number=number)
        return batch if not self.before else batch.without_first(self.before)

    def losses(self, logits: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return mean losses [] in nats of the logits [n, K] for a batch, or a piece of one.

        The first is minimized; the second is reported: without the teachers' part, so that it
        means the same in runs with and without teachers, and beside the loss in validation.
        """
        loss = self.label_loss(logits, batch)
        if self.teaching is None:
            return loss, loss
        share = self.teaching.share
        taught = self.teaching.loss(logits, batch.images, batch.taught)
        return (1 - share) * loss + share * taught, loss

    def label_loss(self, logits: Tensor, batch: Batch) -> Tensor:
        """Return the part of the loss that compares with the labels.

        It is linear in the target, so two classes count by their shares.
        """
        loss = self.loss_of(logits, batch.labels)
        if batch.others is None:
            return loss
        return batch.share * loss + (1 - batch.share) * self.loss_of(logits, batch.others)

    def right(self, logits: Tensor, batch: Batch) -> Tensor:
        """Return how many [] of the logits [n, K] name the class with the larger share."""
        return (logits.argmax(dim=1) == batch.main_labels).sum()

    def with_answers(self, kept: KeptAnswers | None) -> "Task":
        """Return the task with the teachers' kept answers, or so that they are asked each time."""
        teaching = self.teaching and replace(self.teaching, kept=kept)
        return replace(self, teaching=teaching)


def task_of(
    config: TrainConfig,
    truth: NDArray[np.int64],
    num_classes: int,
    device: str,
    plan: StepPlan,
    teachers: Sequence[Teacher] = (),
    *,
    before: int = 0,
) -> Task:
    """Return the task of a run, for the labels [N] of its training images.

    `teachers` are copied to the device, in the memory order of the plan; `before` is how many
    images of a batch are read before this rank's part.
    """
    return Task(
        loss_of=training_loss(config, truth, num_classes, device),
        mixing=Mixing.from_config(config),
        teaching=teaching_of(config, teachers, plan, device),
        before=before,
    )
