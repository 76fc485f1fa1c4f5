"""How the learning rate worked: what followed when it came down, and a descent that is slow."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cifar_core.numbers import percent
from cifar_core.reading import advice
from cifar_core.reading.facts import CurveFacts
from cifar_core.reading.generalization import SURE
from cifar_core.reading.guessing import LEARNED, dead_start, val_at_chance
from cifar_core.reading.spec import LOSS, EpochSpan, Finding, Reason, Trial
from cifar_core.reading.statistics import lowest_ahead, mann_kendall
from cifar_core.reading.trouble import divergence

WINDOW = 3  # epochs before and after a drop that are compared
TREND = 8  # epochs before that give the trend
FEWEST = 4  # epochs that can give one
GAINED = 3.0  # standard errors by which the loss must lie below the trend
STRAIGHT = 0.15  # bend under which a descent counts as a straight line
SEEN = 4  # epochs from which the shape of a descent can be seen
UNTOUCHED = 0.6  # share of the first loss above which little has been learned
MOVED = 2.0  # times the lowest rate; above it a schedule has moved the rate
COOL = 0.5  # share of the peak rate below which a falling schedule has come down


@dataclass(frozen=True)
class Change:
    """The validation loss after some epochs, compared with the trend before them; all in nats."""

    fell: float  # from the level before to the level after
    gain: float  # how far it lies below where the trend would have led
    error: float  # one standard error of the gain
    points: float  # by how much the validation accuracy rose, in percentage points

    @property
    def is_gain(self) -> bool:
        """Whether the loss lies below the trend beyond its error."""
        return self.gain > GAINED * self.error

    @property
    def words(self) -> str:
        """What happened, to follow "the validation loss"."""
        accuracy = f"{'rose' if self.points >= 0 else 'fell'} by {abs(self.points):.1f} points"
        return (
            f"fell by {self.fell:.3f}, which is {self.gain:.3f} more than its trend before would "
            f"have led to, and the accuracy {accuracy}"
        )


def change(facts: CurveFacts, old: NDArray[np.intp], new: NDArray[np.intp]) -> Change:
    """Compare the epochs `new` with where the last of the epochs `old` would have led.

    The trend is the steepest of the descents that agree with them: see `lowest_ahead`.
    """
    epoch, y = facts.curves.epoch, facts.curves.val_loss
    fitted, last = old[-TREND:], old[-WINDOW:]
    level, reached = float(np.median(y[last])), float(np.median(y[new]))
    noise = float(np.nanmedian(facts.val_noise[old]))
    expected, error = lowest_ahead(
        epoch[fitted], facts.val_clean[fitted], noise, float(epoch[new].mean())
    )
    error = math.hypot(error, noise / math.sqrt(len(new)))
    accuracy = facts.curves.val_accuracy
    points = 100 * float(np.median(accuracy[new]) - np.median(accuracy[last]))
    return Change(level - reached, expected - reached, error, points)


def evidence_of(change: Change) -> tuple[Reason, ...]:
    """Return the numbers behind a change."""
    return (
        Reason(what="validation loss below the earlier trend", value=f"{change.gain:.3f}",
               against=f"at least {GAINED * change.error:.3f}"),
        Reason(what="standard error", value=f"±{change.error:.3f}"),
    )  # fmt: skip


def rate_drops(facts: CurveFacts) -> list[Finding]:
    """Report each sudden drop of the rate and what followed."""
    if dead_start(facts) or divergence(facts) or val_at_chance(facts):
        return []
    ends = [*(at for at, _, _ in facts.drops), math.inf][1:]
    findings = [rate_drop(facts, *drop, end) for drop, end in zip(facts.drops, ends, strict=True)]
    return [finding for finding in findings if finding is not None]


def rate_drop(
    facts: CurveFacts, at: float, before: float, after: float, until: float
) -> Finding | None:
    """Return what followed one drop of the rate at an epoch, as seen until the next drop."""
    epoch = facts.curves.epoch
    old = np.flatnonzero(epoch <= at + 1e-6)
    new = np.flatnonzero((epoch > at + 1e-6) & (epoch <= until + 1e-6))[:WINDOW]
    if len(old) < FEWEST or len(new) < 2:
        return None
    seen = change(facts, old, new)
    where = f"The rate fell from {before:.3g} to {after:.3g} after epoch {at:.3g}"
    sentence = (
        f"{where}: within {len(new)} epochs the validation loss {seen.words}."
        if seen.is_gain
        else f"{where}, and the validation loss did not fall below its trend by more than the "
        f"noise: it changed by {-seen.fell:+.3f} within {len(new)} epochs."
    )
    return Finding(
        kind="rate_drop" if seen.is_gain else "rate_drop_idle",
        sentence=sentence,
        span=EpochSpan(start=at, end=float(epoch[new[-1]]), panel=LOSS),
        evidence=evidence_of(seen),
        strength=seen.gain / seen.error if seen.is_gain else GAINED,
    )


def rate_end(facts: CurveFacts) -> Finding | None:
    """Report validation that fell faster than its trend while a schedule lowered the rate."""
    rate, at = facts.curves.learning_rate, facts.curves.step_epoch
    if not len(rate) or facts.drops or facts.restarts or facts.end_share > COOL:
        return None
    if dead_start(facts) or divergence(facts) or rate.argmax() == len(rate) - 1:
        return None
    start = float(at[np.flatnonzero(rate > COOL * rate.max())[-1]])
    epoch = facts.curves.epoch
    old, new = np.flatnonzero(epoch <= start + 1e-6), np.flatnonzero(epoch > start + 1e-6)
    if len(old) < FEWEST or len(new) < 2:
        return None
    seen = change(facts, old, new[-2:])
    if not seen.is_gain:
        return None
    return Finding(
        kind="rate_end",
        sentence=f"From epoch {start:.1f} on, while the schedule lowered the rate, the validation "
        f"loss {seen.words}.",
        span=EpochSpan(start=start, end=float(epoch[-1]), panel=LOSS),
        evidence=evidence_of(seen),
        strength=seen.gain / seen.error,
    )


def rate_too_low(facts: CurveFacts) -> Finding | None:
    """Report a descent that is nearly a straight line and has not got far."""
    _, bend = facts.knee
    _, y, noise = facts.blocks
    if facts.count < SEEN or bend > STRAIGHT or dead_start(facts) or facts.rate_rises:
        return None
    if val_at_chance(facts) or facts.situation.diverged or divergence(facts):
        return None
    start, end = float(np.median(y[:2])), float(np.median(y[-3:]))
    falls = start - end > 6 * float(np.median(noise)) and mann_kendall(-y) < SURE
    if not falls or end < UNTOUCHED * start or start - end < LEARNED * start:
        return None
    if start < UNTOUCHED * facts.chance:
        return None  # it began well, so that little was left to learn
    return Finding(
        kind="rate_too_low",
        sentence=f"The training loss falls in nearly a straight line, from {start:.2f} only to "
        f"{end:.2f} in {facts.done:.3g} epochs.",
        span=EpochSpan(start=0.0, end=facts.done, panel=LOSS),
        evidence=(
            Reason(what="bend away from a straight line", value=f"{percent(bend, 0)}",
                     against=f"at most {percent(STRAIGHT, 0)}"),
            Reason(what="loss left of the first", value=f"{percent(end / start, 0)}",
                     against=f"at least {percent(UNTOUCHED, 0)}"),
        ),
        strength=(start - end) / float(np.median(noise)),
        trials=faster(facts),
    )  # fmt: skip


def faster(facts: CurveFacts) -> tuple[Trial, ...]:
    """Return higher rates to try; none if a schedule moved the rate, which bends the line too."""
    rate, settings = facts.curves.learning_rate, facts.situation.settings
    if rate.max() > MOVED * rate.min():
        return ()
    return advice.rate(
        settings, 3, "Three times the rate: longer steps usually descend faster."
    ) + advice.rate(settings, 10, "Ten times, if that is still slow.")
