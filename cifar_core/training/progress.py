"""The progress of a trainer in its run; with the tensors, it is all that a snapshot needs."""

from dataclasses import dataclass, field

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

    accuracy: float = -1.0  # of validation, 0 to 1; -1 before the first epoch
    epoch: int = 0
    to_beat: float = (
        -1.0
    )  # accuracy to exceed for early stopping; rises only by more than min_delta
    stale_epochs: int = 0

    def update(self, accuracy: float, epoch: int, min_delta: float) -> bool:
        """Add an epoch's validation accuracy; return True if it is the best so far."""
        self.stale_epochs += 1
        if accuracy > self.to_beat + min_delta:
            self.to_beat, self.stale_epochs = accuracy, 0
        if accuracy <= self.accuracy:
            return False
        self.accuracy, self.epoch = accuracy, epoch
        return True


@dataclass
class TrainingProgress:
    """The progress of a trainer, as plain values."""

    step: int = 0  # optimization steps taken
    epoch: int = 0  # epochs trained and validated
    tally: Tally = field(default_factory=Tally)
    best: Best = field(default_factory=Best)
    plateau: Plateau = field(default_factory=Plateau)
