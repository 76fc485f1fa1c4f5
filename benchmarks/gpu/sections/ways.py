"""The ways to compute a training step, as step plans and settings of the product."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import torch

from benchmarks.gpu.section import Bench
from cifar_core.config import TrainConfig
from cifar_core.data.dataset import Dataset
from cifar_core.training.setup import prepare
from cifar_core.training.step.precision import Precision
from cifar_core.training.step.step_plan import StepPlan
from cifar_core.training.step.trial import endless
from cifar_core.training.trainer import Trainer

PIECES = 4  # into which a batch is cut where it is cut


@dataclass(frozen=True, kw_only=True)
class Way:
    """One way to compute a step."""

    config: TrainConfig
    plan: StepPlan
    benchmark: bool = True  # whether cuDNN measures its kernels

    @property
    def name(self) -> str:
        """The way in words."""
        pieces = self.config.micro_batch and f"pieces of {self.config.micro_batch}"
        searched = "" if self.benchmark else "without cudnn.benchmark"
        how = [self.plan.key.replace("/", ", ").replace("_", " "), pieces, searched]
        batch = f"batch {self.config.batch_size}"
        return ", ".join([self.config.model, batch, *filter(None, how)])

    def in_pieces(self) -> "Way":
        """Return the same with the batch in pieces."""
        return replace(
            self, config=replace(self.config, micro_batch=self.config.batch_size // PIECES)
        )

    def compiled(self) -> "Way":
        """Return the same compiled."""
        return replace(self, plan=replace(self.plan, compiled=True))

    def trainer(self, images: Dataset) -> Trainer:
        """Return a trainer that computes so; its plan says if it really does."""
        return prepare(self.config, images, self.config.device, plan=self.plan).trainer

    def step_of(self, trainer: Trainer) -> Callable[[], None]:
        """Return a function that takes the next step of a trainer."""
        return partial(self.take, endless(trainer))

    def take(self, steps: Iterator[None]) -> None:
        """Take a step, with this way's choice of kernels."""
        torch.backends.cudnn.benchmark = self.benchmark
        next(steps)


def way(bench: Bench, model: str, batch_size: int, order: str, precision: str) -> Way:
    """Return a way for a network; a rate of almost 0 keeps its weights where they are."""
    config = bench.config(
        model=model, batch_size=batch_size, epochs=1, learning_rate=1e-6, train_fraction=1.0,
        val_fraction=0.01,
    )  # fmt: skip
    kind = bench.device.split(":")[0]
    plan = StepPlan(
        memory_format=order, precision=Precision(key=precision, reason="", device_type=kind)
    )
    return Way(config=config, plan=plan)
