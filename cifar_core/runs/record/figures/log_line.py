"""The line of a run's log at the end of an epoch."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cifar_core.numbers import percent
from cifar_core.statistics.class_shares import are_uneven

if TYPE_CHECKING:
    from cifar_core.training.events import EpochEvent


def log_line(event: "EpochEvent", train_counts: Sequence[int]) -> str:
    """Write what an epoch gave, for the training images of each class."""
    balanced = f" (balanced {percent(event.val_balanced_accuracy, 2)})"
    mark = "  best so far" if event.best else ""
    return (
        f"epoch {event.epoch:>3}  train loss {event.train_loss:.4f}  accuracy "
        f"{percent(event.train_accuracy, 2)}  val loss {event.val_loss:.4f}  accuracy "
        f"{percent(event.val_accuracy, 2)}{balanced if are_uneven(train_counts) else ''}  "
        f"{event.seconds:.1f} s{mark}"
    )
