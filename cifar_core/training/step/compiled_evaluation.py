"""Validates with a compiled network, in batches of one size."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from cifar_core.training.step.compiling import compiler, last_cause

if TYPE_CHECKING:
    from cifar_core.training.trainer import Trainer


def evaluated(trainer: "Trainer", batch_size: int) -> nn.Module:
    """Return the network that a trainer validates, compiled if its plan says so."""
    if not trainer.plan.compiled_evaluation:
        return trainer.result
    return CompiledEvaluation(trainer, batch_size)


class CompiledEvaluation(nn.Module):
    """The network that a trainer validates, compiled as long as that works.

    Without CUDA graphs: a batch is large enough to keep a GPU busy, and the logits outlive it.
    """

    def __init__(self, trainer: "Trainer", batch_size: int) -> None:
        super().__init__()
        self.trainer, self.batch_size = trainer, batch_size
        self.network = trainer.result
        self.compiled = compiler(self.network)

    def forward(self, images: Tensor) -> Tensor:
        """Map at most a batch of images [n, 3, H, W] in [0, 1] to logits [n, K]."""
        if self.trainer.plan.compiled_evaluation:
            try:
                return self.compiled(filled(images, self.batch_size))[: len(images)]
            except Exception as error:
                cause = last_cause(error)
        logits: Tensor = self.network(images)
        if self.trainer.plan.compiled_evaluation:  # so the compiler was to blame
            self.trainer.plan = self.trainer.plan.evaluated_uncompiled(cause)
        return logits


def filled(images: Tensor, count: int) -> Tensor:
    """Return `count` images in the same memory order: the given ones, and black ones behind."""
    if len(images) == count:
        return images
    size = (count, *images.shape[1:])
    with torch.inference_mode(False):  # an ordinary tensor, as other batches are: one graph for all
        full = torch.empty_strided(size, images.stride(), dtype=images.dtype, device=images.device)
        full[: len(images)] = images
        full[len(images) :] = 0
    return full
