"""The events of a rate search. Plain data: saved as JSON lines, and drawn."""

from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal

Advice = Literal["take", "keep", "none"]


@dataclass(frozen=True, kw_only=True)
class RangeTestPoint:
    """One step of the range test has been taken, at a rate a little above the previous one."""

    kind: ClassVar[str] = "sweep"
    rate: float
    loss: float | None  # nats on the probe images after the step; None if it is not finite
    train_loss: float  # nats on the step's batch, before it, as other tools record it


@dataclass(frozen=True, kw_only=True)
class Bracket:
    """The range test is over; it gives the rates between which to race."""

    kind: ClassVar[str] = "bracket"
    start_loss: float  # nats on the probe images before the first step
    onset: float  # rate at which a tenth of the test's progress was made
    edge: float  # rate at which half of it was lost again
    rates: list[float]  # those that race, ascending


@dataclass(frozen=True, kw_only=True)
class RacePoint:
    """One candidate has been trained for `step` steps, or has dropped out."""

    kind: ClassVar[str] = "race"
    rate: float
    step: int
    loss: float | None  # nats on the probe images; None if it dropped out before they were used
    alive: bool
    losses: list[float] | None = None  # nats of each image, at the end of the cool-down


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """The search is over. Rates and intervals are on a logarithmic scale."""

    kind: ClassVar[str] = "suggestion"
    advice: Advice  # take this rate, keep your own, or no suggestion
    rate: float
    low: float  # 90 % interval of the rate, over the probe images
    high: float
    plateau_low: float  # rates that keep 95 % of the best one's progress
    plateau_high: float
    divisor: float  # by which the race's best was divided for a longer training
    usual_rate: float
    own_rate: float
    verdict: str  # one or two sentences for the user
    steps: int  # taken in all
    epochs: float  # the same as passes over the training images


Event = RangeTestPoint | Bracket | RacePoint | Suggestion


def row(event: Event) -> dict[str, Any]:
    """Return the event as plain values for one JSON line."""
    return {"kind": event.kind, **asdict(event)}
