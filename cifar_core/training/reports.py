"""When a report of the running sums is due, and how it is read without waiting for the device."""

import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from cifar_core.training.arrival import Arrival
from cifar_core.training.phases import LOGGING, phase

PER_EPOCH = 40  # reports in an epoch, if time allows: enough for a curve
LEAST_SECONDS = 0.1  # between two reports, so that a quick network need not stop for them
MOST_SECONDS = 5.0  # between two reports, so that a slow network shows that it learns
BY_STEP = os.environ.get("CIFAR_REPORTS") == "by_step"

# batches of this epoch including the next one, of how many -> whether a report is due after it
Due = Callable[[int, int], bool]


def always(_: int, __: int) -> bool:
    """Report after every step."""
    return True


def never(_: int, __: int) -> bool:
    """Report only at the end of an epoch, where it is always done."""
    return False


class Clock:
    """Due forty times an epoch, but at most ten times a second and at least every five seconds.

    `by_step` looks at no clock, so that equal runs report after equal steps.
    """

    def __init__(self, *, by_step: bool) -> None:
        self.by_step = by_step
        self.reported_at = time.perf_counter()

    def __call__(self, done: int, total: int) -> bool:
        """Return True if a report is due after this batch; it is then taken to be made."""
        on_grid = done % max(1, total // PER_EPOCH) == 0
        if self.by_step:
            return on_grid
        now = time.perf_counter()
        waited = now - self.reported_at
        if waited < LEAST_SECONDS or (not on_grid and waited < MOST_SECONDS):
            return False
        self.reported_at = now
        return True


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a report says, read from the device."""

    step: int
    rate: float
    images: int  # since the last report
    loss: float  # summed over these images
    correct: int  # of these images
    epoch_loss: float  # summed over the images of the epoch so far
    epoch_correct: int
    norm: float  # of the last step's gradient


class Sums:
    """Loss and right predictions since the last report, and of the epoch, kept on the device."""

    def __init__(self, device: str) -> None:
        self.values = torch.zeros(2, 2, device=device)  # rows: report, epoch; loss, right
        self.norm = torch.zeros((), device=device)  # of the last gradient that was measured
        self.images = 0  # since the last report
        self.sent: deque[tuple[Arrival, Tensor, int, float, int]] = deque()

    def add(self, loss: Tensor, right: Tensor, images: int) -> None:
        """Add the mean loss of some images and the number of right predictions."""
        self.values += torch.stack([loss.detach() * images, right.to(loss.dtype)])
        self.images += images

    def send(self, step: int, rate: float) -> None:
        """Begin to read the sums since the last report, and start the next."""
        with phase(LOGGING):
            arrival = Arrival(self.values.device)
            sums = torch.cat([self.values.flatten(), self.norm[None].to(self.values)])
            self.sent.append((arrival, arrival.copy(sums), step, rate, self.images))
            arrival.send()
            self.values[0].zero_()
        self.images = 0

    def arrived(self, *, wait: bool = False) -> Iterator[Reading]:
        """Yield the reports that have arrived, in order; `wait` for all that were sent."""
        while self.sent and (wait or self.sent[0][0].is_there):
            arrival, copied, step, rate, images = self.sent.popleft()
            with phase(LOGGING):
                arrival.wait()
                loss, correct, epoch_loss, epoch_correct, norm = copied.tolist()
            yield Reading(
                step=step,
                rate=rate,
                images=images,
                loss=loss,
                correct=int(correct),
                epoch_loss=epoch_loss,
                epoch_correct=int(epoch_correct),
                norm=norm,
            )

    def end_epoch(self) -> None:
        """Start the sums of the next epoch."""
        self.values.zero_()

    def restore(self, values: Tensor, images: int, before: tuple[float, int]) -> None:
        """Take over saved sums; `before` are loss and right of the epoch's earlier reports.

        Snapshots from before the epoch had sums of its own hold only those since the last report.
        """
        if values.ndim == 1:
            values = torch.stack([values, values + torch.tensor(before, dtype=values.dtype)])
        self.values.copy_(values)
        self.images = images
