"""What a schedule is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Curve = Callable[[float, Any], float]  # progress in [0, 1], TrainConfig -> a number in [0, 1]


@dataclass(frozen=True, kw_only=True)
class ScheduleSpec:
    """One schedule: `factor(progress, config)` multiplies the peak rate; progress runs 0 to 1."""

    key: str
    title: str
    summary: str
    factor: Curve
    height: Curve | None = None  # how near the rate is to its peak, for a momentum that mirrors it
    follows_loss: bool = False  # the validation loss lowers the rate as well
    uses: tuple[str, ...] = ()  # the settings that only this schedule reads
    paper: str = ""

    def momentum(self, progress: float, highest: float, config: Any) -> float:
        """Return the momentum for a rate at this place: lowest where the rate is highest.

        It comes down from `highest`, the value set for the optimizer.
        """
        assert self.height is not None
        return highest - (highest - config.lowest_momentum) * self.height(progress, config)
