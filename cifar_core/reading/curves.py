"""Turns the rows that a run wrote into curves to draw: arrays, smoothing, fewer points."""

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Indices = NDArray[np.intp]

LONGEST = 500.0  # half-lives in one stretch of the running sum: 2**500 is far below the overflow


@dataclass(frozen=True, kw_only=True)
class Curves:
    """What a run measured, one array per quantity: S training reports and E epochs."""

    step: Values  # [S] optimization steps done
    step_epoch: Values  # [S] the same moments in epochs, fractional
    train_loss: Values  # [S] nats
    train_accuracy: Values  # [S] 0 to 1, on augmented images
    learning_rate: Values  # [S]
    epoch_step: Values  # [E] optimization steps done when the epoch ended
    epoch: Values  # [E] epochs complete
    val_loss: Values  # [E] nats
    val_accuracy: Values  # [E] 0 to 1
    val_balanced_accuracy: Values  # [E] 0 to 1, each class with equal weight; NaN if not measured
    val_macro_f1: Values  # [E] 0 to 1; NaN if not measured
    # [E] 1 where an epoch was the best so far by the run's measure, NaN if not known; may be empty
    val_best: Values = field(default_factory=lambda: np.zeros(0))
    # [S] or, of curves that only have to be read, empty
    grad_norm: Values = field(default_factory=lambda: np.zeros(0))  # before clipping
    images_per_second: Values = field(default_factory=lambda: np.zeros(0))
    step_time: Values = field(default_factory=lambda: np.zeros(0))  # unix seconds of each report
    epoch_time: Values = field(default_factory=lambda: np.zeros(0))  # [E] likewise, or empty

    @cached_property
    def best(self) -> int | None:
        """Return the index of the best epoch: by the run's marks, or by accuracy without any."""
        marked = np.flatnonzero(self.val_best == 1)
        if len(marked):
            return int(marked[-1])
        known = np.isfinite(self.val_accuracy)
        return int(np.where(known, self.val_accuracy, -1.0).argmax()) if known.any() else None


def curves(rows: Iterable[dict[str, Any]]) -> Curves:
    """Sort the rows of a run's metrics into arrays; rows of other kinds are left out."""
    kept = list(rows)
    steps = [row for row in kept if row["kind"] == "step"]
    epochs = [row for row in kept if row["kind"] in ("epoch", "validation")]
    return Curves(
        step=column(steps, "step"),
        step_epoch=column(steps, "epoch"),
        train_loss=column(steps, "loss"),
        train_accuracy=column(steps, "accuracy"),
        learning_rate=column(steps, "learning_rate"),
        epoch_step=column(epochs, "step"),
        epoch=column(epochs, "epoch"),
        val_loss=column(epochs, "val_loss"),
        val_accuracy=column(epochs, "val_accuracy"),
        val_balanced_accuracy=column(epochs, "val_balanced_accuracy"),
        val_macro_f1=column(epochs, "val_macro_f1"),
        val_best=column(epochs, "best"),
        grad_norm=column(steps, "grad_norm"),
        images_per_second=column(steps, "images_per_second"),
        step_time=column(steps, "t"),
        epoch_time=column(epochs, "t"),
    )


def column(rows: list[dict[str, Any]], name: str) -> Values:
    """Return one quantity of the rows, NaN where a row lacks it."""
    return np.array([row.get(name, np.nan) for row in rows], dtype=float)


SMOOTHING = {"Off": 0, "Light": 10, "Medium": 50, "Strong": 250}  # half-lives in steps
SHORT = 400  # planned steps below which the half-lives shrink, so that "Light" is a fortieth
HALF_LIVES = (
    "Half-life of the average: 10, 50 or 250 steps; in a run of fewer than 400 steps "
    "1/40, 1/8 or 5/8 of them."
)


def half_life(smoothing: str, planned: int) -> float:
    """Return the half-life in steps of a key of SMOOTHING, for a run of `planned` steps.

    An average lags behind a value that changes. In a run of 65 steps, one over ten of them would
    end far from where the training does.
    """
    return SMOOTHING[smoothing] * min(1.0, planned / SHORT if planned else 1.0)


def smooth(values: Values, steps: Values, half_life: float) -> Values:
    """Average each value with those before it, a weight halving every `half_life` steps.

    The debiased causal exponential average: the weights of the points so far always add up to 1,
    so there is no bend at the start, and a point's average never changes when the run goes on.
    """
    if half_life <= 0 or len(values) == 0:
        return values
    age = (steps - steps[0]) / half_life
    result = np.empty_like(values)
    total, weight, now, start = 0.0, 0.0, 0.0, 0
    while start < len(values):
        end = max(start + 1, int(np.searchsorted(age, age[start] + LONGEST, side="right")))
        left = 2.0 ** (now - age[start])  # share of the sums so far that has not decayed
        growing = 2.0 ** (age[start:end] - age[start])
        totals = total * left + np.cumsum(growing * values[start:end])
        weights = weight * left + np.cumsum(growing)
        result[start:end] = totals / weights
        total, weight = totals[-1] / growing[-1], weights[-1] / growing[-1]
        now, start = float(age[end - 1]), end
    return result


def thin(values: Values, buckets: int) -> Indices:
    """Choose the indices to draw: the lowest and the highest of each bucket, and both ends.

    No peak is lost, as it would be by taking every n-th point. With one bucket per pixel the
    picture is the same as with all points.
    """
    count = len(values)
    if count <= 2 * buckets + 2:
        return np.arange(count)
    borders = np.linspace(0, count, buckets + 1).astype(int)
    width = int(np.diff(borders).max())
    grid = np.minimum(borders[:-1, None] + np.arange(width), borders[1:, None] - 1)
    lowest = grid[np.arange(buckets), values[grid].argmin(axis=1)]
    highest = grid[np.arange(buckets), values[grid].argmax(axis=1)]
    return np.unique(np.concatenate([[0], lowest, highest, [count - 1]]))


def thin_around(
    x: Values, values: Values, buckets: int, window: tuple[float, float] | None
) -> Indices:
    """Choose the indices to draw when a part is enlarged: all of it coarsely, that part finely."""
    everywhere = thin(values, buckets)
    if window is None:
        return everywhere
    start, end = np.searchsorted(x, sorted(window), side="left")
    start, end = max(0, int(start) - 1), min(len(x), int(end) + 1)  # lines run on to the border
    return np.union1d(everywhere, start + thin(values[start:end], buckets))


def until(curves: Curves, epoch: float) -> Curves:
    """Return the part of the curves that had been measured when `epoch` epochs were complete."""
    steps = int(np.searchsorted(curves.step_epoch, epoch, side="right"))
    epochs = int(np.searchsorted(curves.epoch, epoch, side="right"))
    ends = {
        f.name: epochs if f.name.startswith(("epoch", "val_")) else steps for f in fields(Curves)
    }
    return Curves(**{name: getattr(curves, name)[:end] for name, end in ends.items()})


def joined(first: Curves, second: Curves) -> Curves:
    """Append later curves to earlier ones."""
    return Curves(
        **{f.name: np.concatenate([getattr(first, f.name), getattr(second, f.name)])
           for f in fields(Curves)}
    )  # fmt: skip
