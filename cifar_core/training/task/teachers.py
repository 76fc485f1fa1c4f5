"""Teachers: trained networks whose answers another network learns besides the labels.

Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural Network", 2015, section 2.
https://arxiv.org/abs/1503.02531
"""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cifar_core.config import TrainConfig
from cifar_core.training.features import FeatureBatches
from cifar_core.training.freezing import keeps_answers
from cifar_core.training.step.precision import Precision
from cifar_core.training.step.step_plan import StepPlan


@dataclass(frozen=True, kw_only=True)
class Teacher:
    """A trained network and what it takes to ask it about the images of another run."""

    network: nn.Module  # images [n, 3, side, side] in [0, 1] -> logits [n, K]; is never changed
    side: int  # pixels a side of the images that it was trained on
    order: Tensor | None  # [K], where it has the classes of the run that asks; None: in order
    sha256: str  # of the file of its weights
    built: Mapping[str, Any]  # plain values: its key in MODELS, and how it was built
    multiply_adds: int  # of a pass of one image

    def logits(self, images: Tensor) -> Tensor:
        """Return the logits [n, K] of images [n, 3, S, S] in [0, 1], in the asking run's order.

        Images of another size are scaled to its own; an enlarged image shows no more than before.
        """
        if (side := images.shape[-1]) != self.side:
            images = F.interpolate(
                images, (self.side, self.side), mode="bilinear", antialias=side > self.side
            )
        logits: Tensor = self.network(images).float()
        return logits if self.order is None else logits.index_select(1, self.order)

    def placed(self, plan: StepPlan, device: str) -> "Teacher":
        """Return a copy on a device, in the memory order of a step plan."""
        network = copy.deepcopy(self.network).eval().requires_grad_(False)
        order = None if self.order is None else self.order.to(device)
        return replace(self, network=plan.place(network, device), order=order)


class KeptAnswers:
    """The logits of teachers for all training images, in the order in which a run sees these.

    What they give is a function of (epoch, number of the batch), as with the images.
    """

    def __init__(self, of_teachers: Sequence[FeatureBatches]) -> None:
        self.of_teachers = list(of_teachers)
        self.reading: list[Iterator[tuple[Tensor, Tensor]]] = []
        self.next = (-1, -1)  # the epoch and the batch that `reading` gives next

    def of(self, epoch: int, number: int) -> list[Tensor]:
        """Return the logits [n, K] of each teacher for a batch."""
        if self.next != (epoch, number):
            self.reading = [answers.epoch(epoch, start=number) for answers in self.of_teachers]
        self.next = (epoch, number + 1)
        return [next(answers)[0] for answers in self.reading]


@dataclass(frozen=True, kw_only=True)
class Teaching:
    """What a run learns from its teachers."""

    teachers: tuple[Teacher, ...]  # on the device
    share: float  # of the loss, 0 to 1; the rest is that of the labels
    temperature: float
    precision: Precision
    kept: KeptAnswers | None = None  # None if the teachers are asked in each step

    def probabilities(self, logits: Sequence[Tensor]) -> Tensor:
        """Return the mean of the teachers' softened probabilities [n, K]."""
        softened = [(one / self.temperature).softmax(dim=1) for one in logits]
        return softened[0] if len(softened) == 1 else torch.stack(softened).mean(dim=0)

    def kept_probabilities(self, epoch: int, number: int) -> Tensor | None:
        """Return these probabilities of a batch from kept answers; None if none are kept."""
        return None if self.kept is None else self.probabilities(self.kept.of(epoch, number))

    @torch.no_grad()
    def ask(self, images: Tensor) -> Tensor:
        """Return these probabilities of images [n, 3, S, S] in [0, 1], computed now."""
        with self.precision.autocast():
            logits = [teacher.logits(images) for teacher in self.teachers]
        return self.probabilities(logits)

    def loss(self, logits: Tensor, images: Tensor, taught: Tensor | None) -> Tensor:
        """Return the mean loss [] in nats of the logits [n, K] against the teachers.

        It is T^2 KL(teachers || network) at the temperature T: as the gradient shrinks with 1/T^2,
        the share means the same at every temperature.
        """
        target = self.ask(images) if taught is None else taught
        found = F.log_softmax(logits / self.temperature, dim=1)
        return self.temperature**2 * F.kl_div(found, target, reduction="batchmean")


def work_of_all(teachers: Sequence[Teacher]) -> int:
    """Return the multiply-adds of a pass of one image through all of them."""
    return sum(teacher.multiply_adds for teacher in teachers)


def asked_each_time(
    config: TrainConfig, teachers: Sequence[Teacher]
) -> tuple[TrainConfig, Sequence[Teacher]]:
    """Return what a step computes: the settings, without teachers whose answers are kept."""
    if not keeps_answers(config):
        return config, teachers
    return replace(config, distill_share=0.0), ()


def teaching_of(
    config: TrainConfig, teachers: Sequence[Teacher], plan: StepPlan, device: str
) -> Teaching | None:
    """Return what a run learns from its teachers; None without any.

    Raises ConfigError if it has teachers and learns nothing from them, or the other way round.
    """
    config.check_teachers(len(teachers))
    if not teachers:
        return None
    return Teaching(
        teachers=tuple(teacher.placed(plan, device) for teacher in teachers),
        share=config.distill_share,
        temperature=config.distill_temperature,
        precision=plan.precision,
    )
