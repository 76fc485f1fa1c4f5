"""What the learning rate does while a run is trained on: a table of choices."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cifar_core.registry import Registry

if TYPE_CHECKING:
    from cifar_core.config import TrainConfig

NEARLY_ZERO = 0.01  # of a run's highest rate: below that, training on changes almost nothing
SENSIBLE = 0.1  # of a run's highest rate: where to go on if its last rate was nearly zero


@dataclass(frozen=True, kw_only=True)
class RateChoice:
    """One choice: the settings that it changes, and where its rate begins unless one is given."""

    key: str
    title: str
    summary: str
    changes: Mapping[str, Any]  # besides the rate
    usual: Callable[["TrainConfig", float], float]  # the earlier run's settings, its last rate
    takes_rate: bool = True  # whether a person can give the rate


def is_nearly_zero(config: "TrainConfig", last: float) -> bool:
    """Return True if the last rate of a run would change almost nothing any more."""
    return last < NEARLY_ZERO * config.learning_rate


def last_or_sensible(config: "TrainConfig", last: float) -> float:
    """Return the last rate of a run, or a tenth of its highest if that is nearly zero."""
    if not is_nearly_zero(config, last):
        return last
    return float(f"{SENSIBLE * config.learning_rate:.3g}")


RATES = Registry(
    "choice for the learning rate",
    [
        RateChoice(
            key="last",
            title="The last rate",
            summary="Stays where it was when the run ended.",
            changes={"schedule": "constant"},
            usual=lambda _, last: last,
            takes_rate=False,
        ),
        RateChoice(
            key="cycle",
            title="A new cycle",
            summary="Rises to a peak once more, then falls; at first it unlearns some.",
            changes={"schedule": "one_cycle"},
            usual=lambda config, _: config.learning_rate,
        ),
        RateChoice(
            key="decay",
            title="A new decay",
            summary="Falls along a cosine from the last rate, or from another.",
            changes={"schedule": "cosine", "warmup_epochs": 0.0},
            usual=last_or_sensible,
        ),
        RateChoice(
            key="constant",
            title="A constant rate",
            summary="The same rate for all new epochs.",
            changes={"schedule": "constant"},
            usual=last_or_sensible,
        ),
    ],
)
