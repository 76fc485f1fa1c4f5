"""What the findings are derived from: a run's curves by epoch, their noise and their trends."""

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np

from cifar_core.reading.curves import Curves, Values
from cifar_core.reading.spec import Situation
from cifar_core.reading.statistics import (
    LONGEST,
    SIGMA,
    cleaned,
    knee,
    noise_around,
    pseudo_residuals,
    segments,
    theil_sen,
)

LATE = 0.75  # share of an epoch after which reports count as made at its end
BLOCKS = 120  # into which the training reports are gathered to see the shape of the descent
FLAT = 2.5  # noise bands that a stretch may change by and still be called flat
NOTHING = 0.02  # share of all that was gained that counts as no change, however small the noise
EXPLODED = 2.0  # times ln K; what comes down from above that was not gained by learning
HELD = 0.9  # share of the rate before that counts as the same rate
DROPPED = 0.7  # share of the rate before that counts as a drop
SHARE_OF_WALK = 0.5  # of the standard error of a share: successive epochs err alike


@dataclass(frozen=True)
class CurveFacts:
    """A run's curves by epoch [E] and what can be computed from them alone."""

    curves: Curves
    situation: Situation

    @cached_property
    def count(self) -> int:
        """How many epochs have been validated."""
        return len(self.curves.epoch)

    @cached_property
    def done(self) -> float:
        """How many epochs have been trained, with a fraction."""
        ends = [values[-1] for values in (self.curves.step_epoch, self.curves.epoch) if len(values)]
        return float(max(ends, default=0.0))

    @cached_property
    def chance(self) -> float:
        """The loss of a network that guesses by the shares of the classes, ln K for equal ones."""
        return self.situation.guessing_loss

    @property
    def as_planned(self) -> bool:
        """Whether the run is over because all of its planned epochs are done."""
        planned = self.situation.epochs
        return self.situation.state == "finished" and (not planned or self.count >= planned)

    def by_epoch(self, values: Values, after: float = 0.0) -> Values:
        """Return the mean of the training reports of each epoch [E], of its late part if asked."""
        at, ends = self.curves.step_epoch, self.curves.epoch
        starts = np.concatenate([[0.0], ends[:-1]])
        good, means = np.isfinite(values), np.full(len(ends), np.nan)
        for i, (start, end) in enumerate(zip(starts, ends, strict=True)):
            inside = good & (at > start + after * (end - start)) & (at <= end)
            if inside.any():
                means[i] = values[inside].mean()
        return means

    @cached_property
    def train_loss(self) -> Values:
        """Mean training loss of each epoch [E]."""
        return self.by_epoch(self.curves.train_loss)

    @cached_property
    def late_train_loss(self) -> Values:
        """Mean training loss of the last quarter of each epoch [E], nearest to its validation."""
        return self.by_epoch(self.curves.train_loss, LATE)

    @cached_property
    def train_accuracy(self) -> Values:
        """Mean training accuracy of each epoch [E], 0 to 1."""
        return self.by_epoch(self.curves.train_accuracy)

    @cached_property
    def rate(self) -> Values:
        """Mean learning rate of each epoch [E]."""
        return self.by_epoch(self.curves.learning_rate)

    @cached_property
    def val_noise(self) -> Values:
        """Noise band of the validation loss at each epoch [E], one standard deviation."""
        return noise_around(self.curves.val_loss, floor=0.001)

    @cached_property
    def accuracy_noise(self) -> Values:
        """Noise band of the validation accuracy [E]; at least the error of that many images."""
        share = self.curves.val_accuracy
        images = self.situation.val_images or 5000
        least = SHARE_OF_WALK * np.sqrt(share * (1 - share) / images)
        return np.maximum(noise_around(share), least)

    @cached_property
    def train_noise(self) -> Values:
        """Noise band of the mean training loss [E]; at least the error of its reports' mean."""
        loss = self.curves.train_loss
        apart = pseudo_residuals(loss[np.isfinite(loss)])
        reports = max(1.0, len(loss) / max(1.0, self.done))
        least = SIGMA * float(np.median(np.abs(apart))) / reports**0.5 if len(apart) else 0.0
        return noise_around(self.train_loss, floor=max(0.001, least))

    @cached_property
    def val_clean(self) -> Values:
        """Validation loss without lonely outliers [E]."""
        return cleaned(self.curves.val_loss, self.val_noise)

    @cached_property
    def gained(self) -> float:
        """By how much the validation loss has come down from its first epoch to its lowest."""
        if self.count == 0:
            return self.train_gained
        top = min(float(self.val_clean[0]), EXPLODED * math.log(self.situation.classes))
        return max(top - float(self.val_clean.min()), 1e-9)

    @cached_property
    def train_gained(self) -> float:
        """By how much the training loss has come down, in nats."""
        y = self.blocks[1]
        return max(float(y[0] - y.min()), 1e-9) if len(y) else 1e-9

    @cached_property
    def blocks(self) -> tuple[Values, Values, Values]:
        """Ends in epochs, medians and noise of the training loss over equal groups of reports."""
        x, y = self.curves.step_epoch, self.curves.train_loss
        good = np.isfinite(y)
        groups = np.array_split(np.flatnonzero(good), min(BLOCKS, max(1, good.sum() // 4)))
        if not good.any():
            return np.array([]), np.array([]), np.array([])
        ends = np.array([x[group[-1]] for group in groups])
        medians = np.array([np.median(y[group]) for group in groups])
        return ends, medians, noise_around(medians, floor=0.001)

    @cached_property
    def knee(self) -> tuple[float, float]:
        """The epoch at which the training loss bends most, and how much; see `statistics.knee`."""
        x, y, noise = self.blocks
        if len(x) < 6:
            return 0.0, 0.0
        index, bend = knee(x, cleaned(y, noise))
        return float(x[index]), bend

    @cached_property
    def val_trend(self) -> Values:
        """-1 where the validation loss falls, 0 where it is flat, 1 where it rises [E]."""
        return trends(self.val_clean, self.val_noise, self.gained)

    @cached_property
    def train_trend(self) -> Values:
        """The same of the training loss [E]."""
        clean = cleaned(self.train_loss, self.train_noise)
        return trends(clean, self.train_noise, self.gained)

    @cached_property
    def drops(self) -> list[tuple[float, float, float]]:
        """The epochs at which a steady rate fell suddenly, with the rates before and after."""
        rate, at = self.curves.learning_rate, self.curves.step_epoch
        drops = []
        for i in range(1, len(rate) - 1):
            held = rate[i] >= HELD * rate[i - 1] and rate[i] <= rate[i - 1] / HELD
            stays = rate[i + 1] > 0 and (i + 2 >= len(rate) or rate[i + 2] >= HELD * rate[i + 1])
            if held and stays and rate[i + 1] <= DROPPED * rate[i]:
                drops.append((float(at[i]), float(rate[i]), float(rate[i + 1])))
        return drops

    @cached_property
    def restarts(self) -> list[float]:
        """The epochs at which the rate at least doubled from one report to the next."""
        rate, at = self.curves.learning_rate, self.curves.step_epoch
        up = np.flatnonzero((rate[1:] >= 2 * rate[:-1]) & (at[1:] > 1))
        return [float(at[i]) for i in up]

    @cached_property
    def end_share(self) -> float:
        """The last rate as a share of the highest."""
        rate = self.curves.learning_rate
        return float(rate[-1] / rate.max()) if len(rate) and rate.max() > 0 else 1.0

    @property
    def will_fall(self) -> bool:
        """Whether the schedule will still lower the rate."""
        steady = self.situation.settings.get("schedule", "constant") in ("constant", "plateau")
        return not steady and not self.situation.over and self.end_share > 0.1

    @cached_property
    def rate_rises(self) -> bool:
        """Whether the schedule is still raising the rate."""
        rate = self.curves.learning_rate
        return bool(len(rate) > 2 and rate[-1] >= rate.max() and rate[-1] > 1.02 * rate[0])

    @cached_property
    def tail(self) -> int:
        """How many epochs count as the end of the run: a quarter of it, at least 4."""
        return min(self.count, max(4, self.count // 4))

    @cached_property
    def gap(self) -> float:
        """By how much training accuracy exceeds validation accuracy over the last epochs."""
        last = slice(max(0, self.count - 3), None)
        late = self.by_epoch(self.curves.train_accuracy, LATE)[last]
        return float(np.median(late) - np.median(self.curves.val_accuracy[last]))

    @cached_property
    def skill(self) -> float:
        """How far training accuracy has come from guessing (0) to perfect (1) at the end."""
        guess = self.situation.guessing_accuracy
        return float((np.median(self.train_accuracy[-3:]) - guess) / max(1e-9, 1 - guess))


Result = TypeVar("Result")


def once(find: Callable[[CurveFacts], Result]) -> Callable[[CurveFacts], Result]:
    """Compute a function of the facts only once for each of them."""

    @functools.wraps(find)
    def remembered(facts: CurveFacts) -> Result:
        results: dict[str, Result] = facts.__dict__.setdefault("results", {})
        if find.__name__ not in results:
            results[find.__name__] = find(facts)
        return results[find.__name__]

    return remembered


def trends(values: Values, noise: Values, gained: float) -> Values:
    """Return for each value whether its straight stretch falls, is flat or rises: -1, 0 or 1."""
    result = np.zeros(len(values))
    if len(values) < 4:
        moved = values[-1] - values[0] if len(values) > 1 else 0.0
        return result + np.sign(moved) * (abs(moved) > NOTHING * gained)
    stride = -(-len(values) // LONGEST)
    coarse = [(stride * start, min(stride * end, len(values))) for start, end in
              segments(means(values, stride), means(noise, stride))]  # fmt: skip
    for start, end in coarse:
        x, y = np.arange(end - start, dtype=float), values[start:end]
        change = theil_sen(x, y) * (end - start - 1) if end - start > 1 else 0.0
        band = float(np.median(noise[start:end]))
        moves = abs(change) > max(FLAT * band, NOTHING * gained)
        result[start:end] = np.sign(change) * moves
    return result


def means(values: Values, stride: int) -> Values:
    """Return the mean of each `stride` values, so that long series are cut quickly."""
    if stride == 1:
        return values
    starts = np.arange(0, len(values), stride)
    sizes = np.diff(np.append(starts, len(values)))
    return np.add.reduceat(values, starts) / sizes
