"""Short runs of the real program on the fake device."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from fake_device import DEVICE, Watch, fake_cuda
from numpy.typing import NDArray
from torch import Tensor, nn

from cifar_core.config import TrainConfig
from cifar_core.data.dataset import Images
from cifar_core.training import setup
from cifar_core.training.events import Tick
from cifar_core.training.setup import Setup, prepare
from cifar_core.training.step.trial import random_images
from cifar_core.training.trainer import Trainer

BATCH, CLASSES = 8, 4


class Begun:
    """Batches that forget the waits before the first of a pass: only those between them count."""

    def __init__(self, batches: Any, watch: Watch) -> None:
        self.batches, self.watch = batches, watch

    def __getattr__(self, name: str) -> Any:
        return getattr(self.batches, name)

    def __len__(self) -> int:
        return len(self.batches)

    def epoch(self, number: int = 0, start: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        for place, batch in enumerate(self.batches.epoch(number, start)):
            if place == 0:
                self.watch.waits.clear()
            yield batch

    def chosen(self, order: NDArray[np.int64]) -> Iterator[tuple[Tensor, Tensor]]:
        """Forget only the waits of the pass itself, not those of choosing its images."""
        before = self.watch.waits.copy()
        for place, batch in enumerate(self.batches.chosen(order)):
            if place == 0:
                self.watch.waits = before
            yield batch


def prepared(*, steps: int = 2, **settings: Any) -> Setup:
    """Return a run of `steps` steps an epoch, with one batch for validation and two for the test.

    A pretrained network has new numbers.
    """
    config = TrainConfig(**{"epochs": 1, "batch_size": BATCH, "val_fraction": 1 / (steps + 1),
                            "plan": "full", "warmup_epochs": 0.0, **settings})  # fmt: skip
    made, count = random_images(BATCH, CLASSES, config.side), (steps + 1) * BATCH
    part = Images(pixels=made.train.pixels[:count], labels=made.train.labels[:count])
    test = Images(pixels=part.pixels[: 2 * BATCH], labels=part.labels[: 2 * BATCH])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(setup, "evaluation_size", lambda *_: BATCH)
        return prepare(config, replace(made, train=part, test=test), DEVICE)


def watched(trainer: Trainer, watch: Watch) -> Trainer:
    """Return the trainer after making it forget waits that belong to a whole pass."""
    trainer.train_batches = Begun(trainer.train_batches, watch)
    trainer.val_batches = Begun(trainer.val_batches, watch)
    return trainer


def minded(watch: Watch, events: Iterable[Any]) -> dict[str, int]:
    """Return what a GPU would mind from the first batch of each pass to the last."""
    found: Counter[str] = Counter()
    for event in events:
        if isinstance(event, Tick):
            found.update(watch.waits)
            watch.waits.clear()
    return dict(found + watch.faults)


def elsewhere(model: nn.Module) -> list[str]:
    """Return the names of the weights and buffers that are not on the device."""
    tensors = [*model.named_parameters(), *model.named_buffers()]
    return [name for name, tensor in tensors if not tensor.is_cuda]


def trained(**settings: Any) -> dict[str, int]:
    """Train and validate, and return what a GPU would mind."""
    with fake_cuda() as watch:
        trainer = watched(prepared(**settings).trainer, watch)
        found = minded(watch, trainer.run())
    assert not elsewhere(trainer.result)
    return found
