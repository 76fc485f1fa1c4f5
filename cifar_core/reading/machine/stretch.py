"""The stretch of training that findings about the machine are made of, and means over it."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cifar_core.reading.curves import Values
from cifar_core.reading.machine.samples import Placed
from cifar_core.reading.spec import MACHINE, EpochSpan, Situation
from cifar_core.reading.statistics import theil_sen

WARM = 10.0  # seconds of training after each start that say nothing of those that follow
RECENT = 600.0  # seconds that are read of a run under way
LEAST = 60.0  # seconds that must have been seen
LONG, LONG_LEAST = 3600.0, 600.0  # the same where a trend is looked for
SETTLED = 300.0  # seconds after a start in which memory and disk still fill as they should
QUARTERS = 4
BLOCKS = 120  # into which a long stretch is gathered


@dataclass(frozen=True)
class Stretch:
    """Samples of training, and the run that they are of."""

    placed: Placed
    situation: Situation

    @property
    def span(self) -> EpochSpan:
        """The epochs that it covers."""
        epoch = self.placed.epoch
        return EpochSpan(start=float(epoch[0]), end=float(epoch[-1]), panel=MACHINE)

    @property
    def seconds(self) -> float:
        """How long it is."""
        return float(self.placed.samples.seconds.sum())

    @property
    def words(self) -> str:
        """The stretch in words, to follow "over"."""
        if self.situation.over:
            return "its whole training"
        return f"the last {lasting(self.seconds)} of training"

    def figure(self, name: str, device: str = "") -> Values:
        """Return one figure [M], of a GPU if a device is named."""
        samples = self.placed.samples
        return samples.gpus[device][name] if device else samples.figures[name]

    def mean(self, name: str, device: str = "") -> float:
        """Return a figure's mean over the time in which it is known; NaN if that is under half."""
        values, seconds = self.figure(name, device), self.placed.samples.seconds
        known = np.isfinite(values)
        if not seconds[known].sum() > seconds.sum() / 2:
            return float("nan")
        return float(np.average(values[known], weights=seconds[known]))

    def share(self, chosen: NDArray[np.bool_]) -> float:
        """Return the share of the time in which something holds; `chosen` is a mask [M]."""
        seconds = self.placed.samples.seconds
        return float(seconds[chosen].sum() / seconds.sum())

    def last(self, name: str, device: str = "") -> float:
        """Return the last known figure; NaN if there is none."""
        values = self.figure(name, device)
        known = values[np.isfinite(values)]
        return float(known[-1]) if len(known) else float("nan")

    def most(self, name: str, device: str = "") -> float:
        """Return the highest known figure; NaN if there is none."""
        values = self.figure(name, device)
        known = values[np.isfinite(values)]
        return float(known.max()) if len(known) else float("nan")

    @cached_property
    def remaining(self) -> float:
        """The seconds until the planned end of the run, at the pace of this stretch."""
        epoch, time = self.placed.epoch, self.placed.samples.time
        done = float(epoch[-1] - epoch[0])
        if done <= 0:
            return float("inf")
        left = self.situation.epochs - float(epoch[-1])
        return max(0.0, left) * float(time[-1] - time[0]) / done


def recent(placed: Placed, situation: Situation) -> Stretch | None:
    """Return what is read of a run: its last minutes, or all of it when it is over.

    None while too little was seen.
    """
    settled = placed.where(placed.age >= WARM)
    if not situation.over:
        settled = latest(settled, RECENT)
    stretch = Stretch(settled, situation)
    return stretch if stretch.seconds >= LEAST else None


def long(placed: Placed, situation: Situation) -> Stretch | None:
    """Return the last hour of the present attempt of a run that trains; None if too short."""
    if situation.state != "running" or not len(placed):
        return None
    begun = placed.samples.time - placed.age
    settled = latest(placed.where((placed.age >= SETTLED) & (begun >= begun[-1] - 1)), LONG)
    stretch = Stretch(settled, situation)
    return stretch if stretch.seconds >= LONG_LEAST else None


def latest(placed: Placed, seconds: float) -> Placed:
    """Return the last samples, as many as cover at most this time."""
    covered = np.cumsum(placed.samples.seconds[::-1])[::-1]
    return placed.where(covered <= seconds)


def slope(values: Values, time: Values) -> tuple[float, Values]:
    """Return how fast a figure rises, per second, and its median in each quarter [4].

    The slope is Theil and Sen's, so that single outliers do not matter.
    """
    known = np.isfinite(values)
    values, time = values[known], time[known]
    if len(values) < QUARTERS:
        return 0.0, np.zeros(QUARTERS)
    parts = np.array_split(np.arange(len(values)), min(BLOCKS, len(values)))
    x = np.array([np.median(time[part]) for part in parts])
    y = np.array([np.median(values[part]) for part in parts])
    quarters = [np.median(part) for part in np.array_split(values, QUARTERS)]
    return float(theil_sen(x - x[0], y)), np.array(quarters)


def lasting(seconds: float) -> str:
    """Write a time roughly: 50 seconds, 10 minutes, 2.5 hours, 30 days."""
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= 1.95 * length:
            count = seconds / length
            return f"{count:.0f} {unit}s" if count >= 9.5 else f"{count:.2g} {unit}s"
    return f"{seconds:.0f} seconds"
