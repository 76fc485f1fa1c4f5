"""Computes the gradient of a batch: in pieces, and compiled as long as that works."""

from typing import TYPE_CHECKING

from torch import Tensor

from cifar_core.training.phases import BACKWARD, FORWARD, LOGGING, phase
from cifar_core.training.step.compiling import forget_compiled, last_cause
from cifar_core.training.task.batch import Batch

if TYPE_CHECKING:
    from cifar_core.training.trainer import Trainer

# of a piece: its mean loss as reported, how many of its images are right, how many it has
PieceSums = tuple[Tensor, Tensor, int]


def compute_gradient(trainer: "Trainer", batch: Batch) -> list[PieceSums]:
    """Give the weights the gradient of a batch; from the compiler's first failure on, uncompiled.

    What fails uncompiled too is not the compiler's fault, and is raised. Batch norm's statistics
    can then have counted the images of the failed step twice.
    """
    try:
        return added_up(trainer, batch)
    except Exception as error:
        if not trainer.plan.compiled:
            raise
        cause = last_cause(error)
    trainer.forward = trainer.learner
    forget_compiled()  # only now that the error no longer holds the tensors of the step
    sums = added_up(trainer, batch)
    trainer.plan = trainer.plan.uncompiled(cause)
    return sums


def added_up(trainer: "Trainer", batch: Batch) -> list[PieceSums]:
    """Replace the gradient by that of a batch; return the sums of its pieces."""
    trainer.optimizer.zero_grad(set_to_none=True)
    sums, pieces = [], list(trainer.cut(batch))
    for number, piece in enumerate(pieces, start=1):
        with trainer.ranks.exchanging(trainer.forward, last=number == len(pieces)):
            sums.append(add(trainer, *piece))
    return sums


def add(trainer: "Trainer", piece: Batch, share: Tensor | None) -> PieceSums:
    """Add the gradient of some of the batch's images, weighted by their share of it."""
    with phase(FORWARD):
        with trainer.precision.autocast():
            logits = trainer.forward(piece.images)
        loss, reported = trainer.task.losses(logits.float(), piece)
    with phase(BACKWARD):
        trainer.scaler.scale(loss).backward(share)
    with phase(LOGGING):
        right = trainer.task.right(logits, piece)
    return reported.detach(), right, len(piece)
