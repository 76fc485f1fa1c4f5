"""Names the parts of a training step, so that a profiler can show where the time goes."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar

from torch.autograd import profiler
from torch.profiler import record_function

DATA = "data"  # waiting for a batch: picking, changing and mixing its images
FORWARD = "forward"  # from images to the loss
BACKWARD = "backward"  # from the loss to the gradients
OPTIMIZER = "optimizer"  # from the gradients to the weights
LOGGING = "logging"  # counting right predictions, and reading the count from the device
PHASES = (DATA, FORWARD, BACKWARD, OPTIMIZER, LOGGING)

NOTHING: AbstractContextManager[None] = nullcontext()

T = TypeVar("T")


def phase(name: str) -> AbstractContextManager[object]:
    """Return the context for one part of a step.

    A profiler finds the part by its name. A label costs 8 microseconds, five times in a step that
    can take as little as 500, so labels are set only under a profiler.
    """
    return record_function(name) if profiler._is_profiler_enabled else NOTHING


def fetched(batches: Iterable[T]) -> Iterator[T]:
    """Yield the batches, with the wait for each of them labeled."""
    rest = iter(batches)
    while True:
        with phase(DATA):
            batch = next(rest, None)
        if batch is None:
            return
        yield batch
