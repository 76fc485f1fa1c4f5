"""What a reading of a run's curves consists of: findings with evidence, phases, a headline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cifar_core.data.uneven.class_weights import WEIGHINGS, weights
from cifar_core.data.uneven.orders import BALANCED
from cifar_core.evaluation.measures import Measure, measure_of
from cifar_core.statistics.class_shares import are_uneven, guessing_loss, majority_share

LOSS, ACCURACY, RATE = "loss", "accuracy", "rate"  # the panels of the chart
MACHINE = "machine"  # the chart below it
GOOD, NOTE, WARNING, TROUBLE, UNKNOWN = "good", "note", "warning", "trouble", "unknown"


@dataclass(frozen=True, kw_only=True)
class FindingKind:
    """One kind of finding."""

    key: str  # saved in reports; never renamed
    title: str
    summary: str  # what it means
    tone: str  # GOOD, NOTE, WARNING, TROUBLE or UNKNOWN
    rule: str  # when it is said, with its thresholds


@dataclass(frozen=True, kw_only=True)
class Situation:
    """What a reader must know about a run besides its curves; plain values, no torch."""

    settings: Mapping[str, Any] = field(default_factory=dict)  # of the run, as in config.json
    classes: int = 10
    val_images: int = 0  # that validate each epoch; 0 if not known
    state: str = "running"  # of the run, a key of runs.STATES
    reason: str = ""  # why it failed, a key of runs.FAILURES
    train_counts: tuple[int, ...] = ()  # training images of each class; empty if not known
    val_counts: tuple[int, ...] = ()  # validation images of each class
    dropout: bool = False  # whether the network drops features in training, as it declares
    pretrained: bool = False  # the network began with weights of another data set
    device: str = ""  # that it trains on, as torch names it; empty if not known
    threads: int = 0  # of the CPU that it trains with; 0 if not known
    end: str = ""  # why its training ended, a key of ENDS; empty before, and if not known
    divergences: tuple[int, ...] = ()  # the steps after which it continued at a tenth of the rate

    @property
    def over(self) -> bool:
        """Whether no more epochs will come."""
        return self.state in ("finished", "stopped", "failed")

    @property
    def devices(self) -> int:
        """How many devices share each batch, each with as many threads of the CPU."""
        return int(self.settings.get("devices", 1))

    @property
    def epochs(self) -> int:
        """How many epochs were planned; 0 if not known."""
        return int(self.settings.get("epochs", 0))

    @property
    def diverged(self) -> bool:
        """Whether it failed because a number was not finite."""
        return self.state == "failed" and self.reason == "diverged"

    @property
    def uneven(self) -> bool:
        """Whether one class has many more images than another, as far as that is known."""
        return are_uneven(self.train_counts or self.val_counts)

    @property
    def shares_in_training(self) -> Sequence[float]:
        """How much each class counts in the training loss; only the ratios mean something."""
        if not any(self.train_counts):
            return [1.0] * self.classes
        counts = np.array(self.train_counts)
        if self.settings.get("order") == BALANCED:
            return [float(n > 0) for n in counts]
        weighing = str(self.settings.get("class_weights", ""))
        of_classes = weights(counts, weighing) if weighing in WEIGHINGS else None
        return [float(n) for n in (counts if of_classes is None else counts * of_classes)]

    @property
    def is_reweighed(self) -> bool:
        """Whether classes count otherwise in training than in validation."""
        changed = self.settings.get("order") == BALANCED or self.settings.get(
            "class_weights", "none"
        ) not in ("none", None)
        return self.uneven and changed

    @property
    def mixes_images(self) -> bool:
        """Whether training images are mixed, so that they are harder than those of validation."""
        return any(self.settings.get(name, 0.0) > 0 for name in ("mixup", "cutmix"))

    @property
    def measure(self) -> Measure:
        """The figure of the validation that decides the best epoch."""
        return measure_of(self.settings)

    @property
    def guessing_loss(self) -> float:
        """The lowest training loss in nats that is possible without looking at the images."""
        return guessing_loss(self.shares_in_training)

    @property
    def guessing_accuracy(self) -> float:
        """The validation accuracy in [0, 1] of always naming the largest class."""
        known = self.val_counts or self.train_counts
        return majority_share(known) if any(known) else 1 / self.classes


@dataclass(frozen=True, kw_only=True)
class EpochSpan:
    """The stretch of the run that a sentence is about."""

    start: float  # in epochs done, fractional
    end: float
    panel: str  # LOSS, ACCURACY, RATE or MACHINE: where it is to be seen

    @property
    def words(self) -> str:
        """The stretch in words, such as "epochs 4 to 9"."""
        first, last = f"{self.start:.3g}", f"{self.end:.3g}"
        return f"epoch {last}" if first == last else f"epochs {first} to {last}"


@dataclass(frozen=True, kw_only=True)
class Reason:
    """One number that a sentence rests on, and the threshold that it was compared with."""

    what: str  # a phrase that ends where the number begins
    value: str  # with its unit
    against: str = ""  # the threshold with its unit, such as "at least 0.036"

    @property
    def words(self) -> str:
        """The evidence in one line."""
        return f"{self.what}: {self.value}" + (f" ({self.against})" if self.against else "")


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What to try next: the changes to the run's settings, and why."""

    label: str  # of a button, a few words
    why: str  # one sentence
    changes: Mapping[str, Any]  # setting -> new value


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that the curves show."""

    kind: str  # a key of KINDS
    sentence: str
    span: EpochSpan
    evidence: tuple[Reason, ...]
    strength: float  # of the effect, in noise bands; infinite where noise cannot explain it
    trials: tuple[Trial, ...] = ()

    @property
    def confidence(self) -> str:
        """How far it is above the noise, in a word."""
        return (
            "clear" if self.strength >= CLEAR else "likely" if self.strength >= LIKELY else "weak"
        )


CLEAR, LIKELY = 6.0, 3.0  # noise bands; chance exceeds 3 in one of 700 steady values


@dataclass(frozen=True, kw_only=True)
class Phase:
    """One of the stretches that a run falls into; together they cover it without gaps."""

    key: str  # a key of PHASES
    span: EpochSpan


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What the curves of a run say."""

    headline: str  # the most important sentence
    findings: tuple[Finding, ...]  # in the order in which they happened
    phases: tuple[Phase, ...]
    final: bool  # False while the run may still grow
