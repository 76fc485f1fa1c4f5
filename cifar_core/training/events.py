"""The events of a trainer. Plain data: saved as JSON lines, drawn as curves."""

from dataclasses import asdict, dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, kw_only=True)
class Tick:
    """A batch has passed. Never saved: a moment at which the caller can check for requests."""

    phase: str  # "features", "train", "validate" or "test"
    done: int  # batches of this phase so far; of features, images
    total: int


@dataclass(frozen=True, kw_only=True)
class StepEvent:
    """A few optimization steps have passed."""

    kind: ClassVar[str] = "step"
    step: int
    epoch: float  # fractional: 2.5 is half-way through the third epoch
    # cross-entropy with the labels in nats, mean over the steps since the last StepEvent
    loss: float
    # share right, 0 to 1, on the same augmented batches; of mixed images, the larger share counts
    accuracy: float
    learning_rate: float
    grad_norm: float  # length of the last step's gradient before clipping
    images_per_second: float


@dataclass(frozen=True, kw_only=True)
class EpochEvent:
    """An epoch is over and the validation images have been classified."""

    kind: ClassVar[str] = "epoch"
    step: int
    epoch: int  # how many are complete
    # with mixed and smoothed labels and class weights, as it is minimized; without teachers
    train_loss: float
    train_accuracy: float  # 0 to 1, while training, on augmented images
    val_loss: float
    val_accuracy: float  # 0 to 1
    val_balanced_accuracy: float  # 0 to 1, each class with equal weight
    val_macro_f1: float  # 0 to 1
    best: bool  # whether this is the best epoch so far, by the run's measure
    seconds: float  # wall time of the epoch, validation included
    cpu_seconds: float  # CPU time of the process in the epoch, over all threads


@dataclass(frozen=True, kw_only=True)
class TestEvent:
    """The test images have been classified once, with the weights of the best epoch."""

    __test__: ClassVar[bool] = False  # not a pytest class, despite its name
    kind: ClassVar[str] = "test"
    step: int
    epoch: int  # the epoch whose weights were tested
    test_loss: float
    test_accuracy: float  # 0 to 1
    test_balanced_accuracy: float  # 0 to 1, each class with equal weight
    test_macro_f1: float  # 0 to 1
    plain_accuracy: float  # accuracy from the unaltered images
    views: str  # a key of TEST_VIEWS: the views behind the other two
    images: int


Event = StepEvent | EpochEvent | TestEvent


def row(event: Event) -> dict[str, Any]:
    """Return the event as plain values for one JSON line."""
    return {"kind": event.kind, **asdict(event)}
