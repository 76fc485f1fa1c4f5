"""The ends of a training that its trainer cannot see: its time is up, or it overfits.

Overfitting is judged by the rows of the epochs alone, which are equal however often a run was
interrupted; when a row of steps is written depends on the clock.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from cifar_core.reading import Situation, overfits
from cifar_core.reading.curves import curves
from cifar_core.reading.ends import OVERFITTING, TIME
from cifar_core.runs.record.metrics import Row

if TYPE_CHECKING:
    from cifar_core.config import TrainConfig
    from cifar_core.training.events import EpochEvent, StepEvent, Tick

HOUR = 3600.0  # seconds


class PlannedEnds:
    """Judges the rows of a run, which are added as they are made."""

    def __init__(
        self,
        config: "TrainConfig",
        situation: Situation,
        rows: Iterable[Row],
        agree: Callable[[bool], bool] = bool,
    ) -> None:
        self.agree = agree  # whether any rank wants an end; all of them ask at the same moments
        self.seconds = config.most_hours * HOUR  # of training, at most; 0 for no limit
        self.judges, self.situation = config.stop_overfitting, situation
        self.rows: list[Row] = []  # of each epoch, after one of its last step
        self.step: Row = {}  # the latest row of steps
        self.judged, self.overfits = 0, False  # how many epochs have been judged, and how
        for row in rows:
            self.add(row)

    @property
    def epochs(self) -> int:
        """How many epochs have been validated."""
        return len(self.rows) // 2

    def add(self, row: Row) -> None:
        """Add a row."""
        if row["kind"] == "step":
            self.step = row
        elif row["kind"] == "epoch":
            means = {"loss": row["train_loss"], "accuracy": row["train_accuracy"]}
            self.rows += [{**self.step, **means, "kind": "step", "epoch": row["epoch"]}, row]

    def reason(self, seconds: float) -> str:
        """Return why training ends after `seconds` of it, a key of ENDS; empty if it goes on."""
        if self.is_overfit():
            return OVERFITTING
        return TIME if self.epochs and 0 < self.seconds <= seconds else ""

    def is_overfit(self) -> bool:
        """Whether the run is to stop because it overfits; each epoch is judged once."""
        if self.judges and self.judged < self.epochs:
            self.judged = self.epochs
            self.overfits = overfits(curves(self.rows), self.situation)
        return self.overfits

    def is_over(self, spent: float) -> bool:
        """Whether one of these ends has come after these seconds of training, on any rank."""
        if not (self.seconds or self.judges):
            return False
        return self.agree(bool(self.reason(spent)))

    def until_end(
        self, events: "Iterator[Tick | StepEvent | EpochEvent]", spent: Callable[[], float]
    ) -> "Iterator[Tick | StepEvent | EpochEvent]":
        """Yield a trainer's events until one of these ends; `spent` are seconds of training."""
        if self.is_over(spent()):
            return
        for event in events:
            yield event
            if can_end_after(event) and self.is_over(spent()):
                return

    def left(self, seconds: float | None, spent: float, first_epoch: float | None) -> float | None:
        """Return how many of the expected seconds are left after those spent, within the limit.

        `first_epoch` are those until the end of the first epoch, which is always trained.
        """
        if seconds is None or not self.seconds:
            return seconds
        return min(seconds, max(self.seconds - spent, first_epoch or 0.0, 0.0))


def can_end_after(event: "Tick | StepEvent | EpochEvent") -> bool:
    """Whether training can end after an event: inside an epoch, or when it has been validated."""
    from cifar_core.training.events import EpochEvent, Tick

    if isinstance(event, Tick):
        return event.phase == "train" and event.done < event.total
    return isinstance(event, EpochEvent)
