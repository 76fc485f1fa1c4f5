"""The figures of a validation by one of which the best epoch of a run is chosen: `MEASURES`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cifar_core.numbers import percent
from cifar_core.registry import Registry


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One figure of a validation, and which way it gets better.

    `key` is its name in a Score; with "val_" before it, in a run's rows.
    """

    key: str
    title: str
    summary: str
    words: str  # in a sentence, after "validation"
    is_share: bool = True  # in [0, 1], written in percent; else in nats
    rises: bool = True  # a higher value is better

    @property
    def row_name(self) -> str:
        """Its name in the rows that a run writes."""
        return f"val_{self.key}"

    def worth(self, value: float) -> float:
        """Return a number that is higher for a better value."""
        return value if self.rises else -value

    def of(self, epoch: object) -> float:
        """Return what an epoch's validation is worth, for an event of its end."""
        return self.worth(getattr(epoch, self.row_name))

    @property
    def better(self) -> str:
        """A better value in words, such as "a higher validation accuracy"."""
        return f"a {'higher' if self.rises else 'lower'} validation {self.words}"

    def written(self, value: float | None, digits: int = 1) -> str:
        """Write a value for a page; a dash if there is none."""
        if value is None:
            return "\u2013"
        return percent(value, digits) if self.is_share else f"{value:.{digits + 2}f}"


ACCURACY = "accuracy"
MEASURES: Registry[Measure] = Registry(
    "measure",
    [
        Measure(
            key=ACCURACY,
            title="Accuracy",
            summary="The share of the validation images that are right.",
            words="accuracy",
        ),
        Measure(
            key="balanced_accuracy",
            title="Balanced accuracy",
            summary="The mean over the classes of the share of their images that are right, so "
            "that rare classes count as much as frequent ones.",
            words="balanced accuracy",
        ),
        Measure(
            key="macro_f1",
            title="Macro F1",
            summary="The mean over the classes of the F1 score, which also falls when other "
            "images are taken for a class.",
            words="macro F1",
        ),
        Measure(
            key="loss",
            title="Loss",
            summary="The mean cross-entropy of the validation images, which counts confidence "
            "too; lower is better.",
            words="loss",
            is_share=False,
            rises=False,
        ),
    ],
)


def measure_of(settings: Mapping[str, Any]) -> Measure:
    """Return the measure of a run with these plain settings; of earlier versions the accuracy."""
    key = str(settings.get("best_by"))
    return MEASURES[key if key in MEASURES else ACCURACY]
