"""balance.json: how evenly the devices of a live attempt share the work.

A run on several devices takes a step when all of them have computed their parts of the batch, so
the slowest one sets the pace and the others wait for it. `of_attempt` reads the latest figures; an
attempt on one device has none.
"""

from pathlib import Path
from statistics import fmean

from msgspec import Struct

from cifar_core.disk import files
from cifar_core.disk.checks import Moment, Number, Text, Whole
from cifar_core.runs.record import metrics

NAME = "balance.json"
CLEARLY = 1.15  # times the mean of the others, from which on a device is slower than they are


class Share(Struct, frozen=True, kw_only=True):
    """What one device did in a step, on average."""

    device: Text = ""  # its name in torch
    work: Number = 0.0  # seconds from the beginning of a step to its own gradients


class Balance(Struct, frozen=True, kw_only=True):
    """The latest steps of an attempt on several devices. The order is that of the ranks."""

    at: Moment = 0.0  # unix seconds
    step: Whole = 0  # the last one
    seconds: Number = 0.0  # of a whole step, on average
    shares: list[Share] = []

    def waits(self, rank: int) -> float:
        """Return the share of a step, 0 to 1, that a device does not work on its part.

        It waits for the others, exchanges gradients, or applies them.
        """
        if self.seconds <= 0:
            return 0.0
        return min(1.0, max(0.0, 1 - self.shares[rank].work / self.seconds))

    @property
    def slowest(self) -> int | None:
        """The rank that clearly takes longer than the others do; None if they are even."""
        if len(self.shares) < 2:
            return None
        work = [share.work for share in self.shares]
        rank = work.index(max(work))
        others = fmean([*work[:rank], *work[rank + 1 :]])
        return rank if work[rank] > CLEARLY * others > 0 else None


def path_of(folder: Path, attempt: int) -> Path:
    """Return the file of an attempt, in a run's folder."""
    return metrics.attempt_folder(folder, attempt) / NAME


def of_attempt(folder: Path, attempt: int) -> Balance | None:
    """Return how even the latest steps of an attempt were; None if that was not measured."""
    found = files.read_if_there(path_of(folder, attempt), Balance)
    return found if found and found.shares else None
