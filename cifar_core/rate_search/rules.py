"""The rates that other tools' rules pick from the same range test, to compare with the race's.

All of them use the batch's loss before each step, as those tools record it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cifar_core.registry import Registry

Values = NDArray[np.float64]
SKIPPED_LAST = 5  # points, where the loss shoots up


@dataclass(frozen=True, kw_only=True)
class RuleSpec:
    """One rule; `pick(rates, losses)` returns its rate, or None if there is none."""

    key: str
    title: str
    summary: str
    pick: Callable[[Values, Values], float | None]
    source: str


def averaged(losses: Values, decay: float) -> Values:
    """Return the debiased exponential average, weights falling by `decay` a step."""
    result, mean = np.empty_like(losses), 0.0
    for step, loss in enumerate(losses, start=1):
        mean = decay * mean + (1 - decay) * loss
        result[step - 1] = mean / (1 - decay**step)
    return result


def steepest(rates: Values, losses: Values) -> float | None:
    """Return the rate at which the averaged loss falls fastest from one step to the next."""
    if len(rates) < 2:
        return None
    mixed = losses.copy()  # this tool's average starts at the first value, without debiasing
    for step in range(1, len(losses)):
        mixed[step] = 0.05 * losses[step] + 0.95 * mixed[step - 1]
    return float(rates[int(np.argmin(np.gradient(mixed)))])


def tenth_of_minimum(rates: Values, losses: Values) -> float | None:
    """Return a tenth of the rate at which the averaged loss is lowest."""
    if not len(rates):
        return None
    return float(rates[int(np.argmin(averaged(losses, 0.98)))] / 10)


def valley(rates: Values, losses: Values) -> float | None:
    """Return the rate half-way down the longest valley: losses that fall, gaps allowed."""
    if not len(rates):
        return None
    curve = averaged(losses, 0.98)
    length = [1] * len(curve)  # of the longest falling subsequence that ends here
    for i in range(1, len(curve)):
        length[i] = 1 + max((length[j] for j in range(i) if curve[i] < curve[j]), default=0)
    end = int(np.argmax(length))
    third = length[end] / 3
    return float(rates[end - length[end] + int(third) + int(third / 2)])


RULES = Registry(
    "rule",
    [
        RuleSpec(
            key="steepest",
            title="Steepest descent",
            summary="Where the averaged loss falls fastest.",
            pick=steepest,
            source="https://github.com/davidtvs/pytorch-lr-finder",
        ),
        RuleSpec(
            key="minimum",
            title="Minimum over ten",
            summary="A tenth of the rate with the lowest averaged loss.",
            pick=tenth_of_minimum,
            source="https://github.com/fastai/fastai/blob/master/fastai/callback/schedule.py",
        ),
        RuleSpec(
            key="valley",
            title="Valley",
            summary="Half-way down the longest valley of the averaged loss.",
            pick=valley,
            source="https://github.com/fastai/fastai/blob/master/fastai/callback/schedule.py",
        ),
    ],
)


def opinions(rates: Sequence[float], losses: Sequence[float]) -> dict[str, float | None]:
    """Return what each rule picks, by its key; like the tools, without the two ends of the test."""
    x, y = np.asarray(rates, float), np.asarray(losses, float)
    kept = np.isfinite(y)
    x, y = x[kept], y[kept]
    if len(x) > 2 * SKIPPED_LAST:
        middle = slice(len(x) // 10, -SKIPPED_LAST)
        x, y = x[middle], y[middle]
    return {rule.key: rule.pick(x, y) for rule in RULES.values()}
