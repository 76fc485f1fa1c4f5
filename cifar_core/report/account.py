"""The facts of a report about one run, read once from its folder."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from cifar_core.errors import RunError
from cifar_core.evaluation.measures import MEASURES, Measure
from cifar_core.reading import Reading
from cifar_core.reading.curves import Curves, curves
from cifar_core.runs.record.computed.how import DataRecord
from cifar_core.runs.record.figures.summary_record import Summary
from cifar_core.runs.record.records import About, Environment
from cifar_core.runs.record.run import Run
from cifar_core.runs.record.run_kinds import KINDS, TRAINING
from cifar_core.runs.results.reading import reading_of
from cifar_core.statistics.class_shares import are_uneven
from cifar_core.statistics.intervals import wilson

if TYPE_CHECKING:
    from cifar_core.config import TrainConfig


@dataclass(frozen=True)
class Account:
    """One run as a report uses it; everything is read at most once."""

    run: Run

    @property
    def title(self) -> str:
        """Its number and name."""
        return f"#{self.run.number} {self.run.name}"

    @cached_property
    def about(self) -> About:
        """Its name and where it comes from."""
        return self.run.about

    @cached_property
    def config(self) -> "TrainConfig":
        """Its settings."""
        return self.run.config

    @cached_property
    def chosen(self) -> "TrainConfig":
        """The settings as a person chose them, perhaps with an automatic image size."""
        from cifar_core.config import TrainConfig

        return TrainConfig.from_dict(self.run.settings)

    @cached_property
    def environment(self) -> Environment:
        """Versions, device and images."""
        return self.run.environment

    @property
    def data(self) -> DataRecord:
        """The description of its images."""
        return self.environment.data

    @cached_property
    def summary(self) -> Summary:
        """Its best and latest values."""
        return self.run.summary

    @cached_property
    def curves(self) -> Curves:
        """Everything that it measured."""
        return curves(self.run.metrics())

    @cached_property
    def reading(self) -> Reading:
        """The reading of its curves."""
        return reading_of(self.run, self.curves)

    @property
    def uneven(self) -> bool:
        """Whether one class has many more training images than another."""
        return are_uneven(self.data.train_counts)

    @property
    def measure(self) -> Measure:
        """The figure of the validation that decided its best epoch."""
        return MEASURES[self.config.best_by]

    @property
    def test_accuracy(self) -> float | None:
        """Its test accuracy in [0, 1]; None if it was not tested."""
        return self.summary.test_accuracy

    @property
    def test_images(self) -> int:
        """The number of its test images."""
        return self.summary.test_images or self.data.test_images

    @property
    def test_interval(self) -> tuple[float, float] | None:
        """The 95 % Wilson interval of the test accuracy."""
        share = self.test_accuracy
        return None if share is None else wilson(share, self.test_images)


def account_of(run: Run) -> Account:
    """Return the facts of a report about a run; RunError if there is nothing to report."""
    if run.kind != TRAINING:
        raise RunError(
            f"Run {run.id} {KINDS[run.kind].instead}. Reports are only for training runs."
        )
    if not run.summary.epochs_done:
        raise RunError(
            f"Run {run.id} has not finished an epoch yet, so there is nothing to report."
        )
    return Account(run)
