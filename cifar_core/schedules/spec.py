"""The declaration of a schedule."""

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
    height: Curve | None = None  # closeness of the rate to its peak, for a momentum that mirrors it
    follows_loss: bool = False  # the validation loss also lowers the rate
    uses: tuple[str, ...] = ()  # settings that only this schedule uses
    paper: str = ""

    def momentum(self, progress: float, highest: float, config: Any) -> float:
        """Return the momentum at this progress: lowest where the rate is highest.

        It is at most `highest`, the value set for the optimizer.
        """
        assert self.height is not None
        return highest - (highest - config.lowest_momentum) * self.height(progress, config)
