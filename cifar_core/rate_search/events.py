"""What a search for a rate reports while it runs. Plain data: saved as JSON lines, drawn."""

from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal

Advice = Literal["take", "keep", "none"]


@dataclass(frozen=True, kw_only=True)
class SweepPoint:
    """One step of the sweep has been taken, at a rate a little larger than the one before."""

    kind: ClassVar[str] = "sweep"
    rate: float
    loss: float | None  # nats on the probe images after the step; None if it is no number
    train_loss: float  # nats on the step's batch, before it: what other tools record


@dataclass(frozen=True, kw_only=True)
class Bracket:
    """The sweep is over and says between which rates to race."""

    kind: ClassVar[str] = "bracket"
    start_loss: float  # nats on the probe images before the first step
    onset: float  # rate at which a tenth of the sweep's progress was made
    edge: float  # rate at which it was lost again
    rates: list[float]  # those that race, ascending


@dataclass(frozen=True, kw_only=True)
class RacePoint:
    """One candidate has been tried for so many steps, or has fallen out."""

    kind: ClassVar[str] = "race"
    rate: float
    step: int
    loss: float | None  # nats on the probe images; None if it fell out before they were looked at
    alive: bool
    losses: list[float] | None = None  # nats of each image, at the end of the cool-down


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """The search is over. Rates lie on a logarithmic scale, so do the intervals."""

    kind: ClassVar[str] = "suggestion"
    advice: Advice  # take the rate, keep your own, or none can be given
    rate: float
    low: float  # 90 % interval of the rate, over the probe images
    high: float
    plateau_low: float  # rates that keep 95 % of the best one's progress
    plateau_high: float
    divisor: float  # by which the race's best was divided for a longer training
    usual_rate: float
    own_rate: float
    verdict: str  # one or two sentences for the person
    steps: int  # taken in all
    epochs: float  # the same as passes over the training images


Event = SweepPoint | Bracket | RacePoint | Suggestion


def row(event: Event) -> dict[str, Any]:
    """Return the event as the plain values that are written as one JSON line."""
    return {"kind": event.kind, **asdict(event)}
