"""The learning rate and the momentum of each step, by the schedule of the run."""

from types import SimpleNamespace
from typing import Any

from torch.optim import Optimizer

from cifar_core.config import TrainConfig
from cifar_core.optim import OPTIMIZERS, set_momentum
from cifar_core.schedules import SCHEDULES
from cifar_core.training.progress import TrainingProgress


class Rates:
    """What a run's schedule says of each of its steps.

    A run that trains another one on has its schedule over the new steps alone, which begin at
    `progress.began`.
    """

    def __init__(self, config: TrainConfig, steps_per_epoch: int) -> None:
        self.config, self.steps_per_epoch = config, steps_per_epoch
        self.schedule = SCHEDULES[config.schedule]
        self.total_steps = config.epochs * steps_per_epoch
        self.cycles_momentum = config.cycle_momentum and self.schedule.height is not None

    def rate(self, progress: TrainingProgress) -> float:
        """Return the rate for the next step, taken at its middle so that none is wasted on 0."""
        factor = self.schedule.factor(self._share(progress), self._planned(progress))
        share = progress.plateau.share * progress.rate_share
        return self.config.learning_rate * factor * share

    def momentum(self, progress: TrainingProgress) -> float:
        """Return the momentum for the next step, if the schedule moves it."""
        highest = getattr(self.config, OPTIMIZERS[self.config.optimizer].momentum_setting)
        return self.schedule.momentum(self._share(progress), highest, self._planned(progress))

    def apply(self, optimizer: Optimizer, rate: float, progress: TrainingProgress) -> None:
        """Give an optimizer the rate and the momentum for its next step."""
        for group in optimizer.param_groups:
            group["lr"] = rate * group["share"]
        if self.cycles_momentum:
            set_momentum(optimizer, self.momentum(progress))

    def after_epoch(self, progress: TrainingProgress, loss: float) -> None:
        """Take into account the loss of an epoch's validation."""
        if self.schedule.follows_loss:
            patience, factor = self.config.plateau_epochs, self.config.step_factor
            progress.plateau.update(loss, patience=patience, factor=factor)

    def _share(self, progress: TrainingProgress) -> float:
        """Return how much of the schedule is over at the middle of the next step, 0 to 1."""
        return (progress.step - progress.began + 0.5) / (self.total_steps - progress.began)

    def _planned(self, progress: TrainingProgress) -> Any:
        """Return the settings with the number of epochs that the schedule is spread over."""
        if not progress.began:
            return self.config
        epochs = self.config.epochs - progress.began / self.steps_per_epoch
        return SimpleNamespace(**{**vars(self.config), "epochs": epochs})
