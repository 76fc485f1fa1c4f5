"""The progress of a trainer in its run; with the tensors, it is all that a snapshot needs."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from cifar_core.config import TrainConfig
from cifar_core.evaluation.measures import MEASURES
from cifar_core.reading.ends import EARLY_STOPPING, GOAL
from cifar_core.schedules import Plateau


@dataclass
class Tally:
    """Sums over the steps of an epoch, as of its last StepEvent."""

    loss: float = 0.0  # summed over images
    correct: int = 0
    images: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0


@dataclass
class Best:
    """The best epoch so far, and how long ago the last real improvement was."""

    worth: float | None = None  # of its validation: see `Measure.worth`; None before the first
    epoch: int = 0
    # worth to exceed for early stopping; rises only by more than min_delta
    to_beat: float | None = None
    stale_epochs: int = 0

    @classmethod
    def from_saved(cls, saved: Mapping[str, Any]) -> Self:
        """Return what a snapshot holds; those of earlier versions name the accuracy, or -1."""
        values = dict(saved)
        if "accuracy" in values:
            values["worth"] = values.pop("accuracy")
        if not values["epoch"]:
            values |= {"worth": None, "to_beat": None}
        return cls(**values)

    def update(self, worth: float, epoch: int, min_delta: float) -> bool:
        """Add the worth of an epoch's validation; return True if it is the best so far.

        Of equally good epochs the first is the best.
        """
        self.stale_epochs += 1
        if self.to_beat is None or worth > self.to_beat + min_delta:
            self.to_beat, self.stale_epochs = worth, 0
        if self.worth is not None and worth <= self.worth:
            return False
        self.worth, self.epoch = worth, epoch
        return True


@dataclass
class TrainingProgress:
    """The progress of a trainer, as plain values."""

    step: int = 0  # optimization steps taken
    epoch: int = 0  # epochs trained and validated
    tally: Tally = field(default_factory=Tally)
    best: Best = field(default_factory=Best)
    plateau: Plateau = field(default_factory=Plateau)
    rate_share: float = 1.0  # of the schedule's rate; a tenth after each divergence
    began: int = 0  # step at which the schedule begins; 0 unless the run trains another one on


def early_end(config: TrainConfig, best: Best) -> str:
    """Return why training ends after the epochs so far, a key of ENDS; empty if it goes on."""
    enough = MEASURES[config.best_by].worth(config.goal)
    if config.goal and best.worth is not None and best.worth >= enough:
        return GOAL
    return EARLY_STOPPING if 0 < config.patience <= best.stale_epochs else ""


def trained_on(saved: Mapping[str, Any]) -> dict[str, Any]:
    """Return the saved progress of a run as that of another run, which trains it on, begins.

    The schedule begins here, and early stopping counts from 0 again; the best epoch stays the best.
    """
    anew = {"plateau": asdict(Plateau()), "rate_share": 1.0, "began": saved["step"]}
    return {**saved, **anew, "best": {**saved["best"], "stale_epochs": 0}}
