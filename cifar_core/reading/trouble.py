"""Runs in trouble: a loss that is not a number, rises and stays high, or jumps."""

import math

import numpy as np

from cifar_core.numbers import percent
from cifar_core.reading import advice
from cifar_core.reading.curves import Values
from cifar_core.reading.ends import after_divergences
from cifar_core.reading.facts import CurveFacts, once
from cifar_core.reading.guessing import LEARNED, OUT_OF_NOISE, dead_start
from cifar_core.reading.spec import LOSS, EpochSpan, Finding, Reason, Trial
from cifar_core.reading.statistics import noise_around

RUNAWAY = 0.25  # share of what was gained that must be lost again
BRIEF = 5  # values around a jump whose median is its level without it
NOISY = 0.08  # share of what was gained that the noise band may be
STRAIGHT = 0.15  # bend of the training loss below which its fall is slow rather than noisy
SUNK = 0.1  # share of the peak rate below which earlier noise no longer matters
LITTLE = 0.2  # share of the guessing loss under which a gain is too small to compare noise with
LAST = 6  # epochs over which the present noise is measured
FEW_IMAGES = 500  # validation images whose small number makes the loss scatter, too
LAST_REPORTS = 5  # training reports before a loss that is not a number
SHOT_UP = 2.0  # times the guessing loss from which those have risen


def no_number(facts: CurveFacts) -> Finding | None:
    """Report a loss or a gradient that is infinite or not a number."""
    loss, at = facts.curves.train_loss, facts.curves.step_epoch
    wrong = np.flatnonzero(~np.isfinite(loss))
    if not len(wrong) and not facts.situation.diverged:
        return None
    when = float(at[wrong[0]]) if len(wrong) else facts.done
    before = loss[np.isfinite(loss)]
    top = float(before[-LAST_REPORTS:].max()) if len(before) else 0.0
    rose = top > SHOT_UP * facts.chance
    settings = facts.situation.settings
    return Finding(
        kind="no_number",
        sentence=f"In epoch {math.ceil(when) or 1} the loss or its gradient stopped being a number"
        + (f"; the training loss had risen to {top:.3g} before." if rose else "."),
        span=EpochSpan(start=max(0.0, when - 0.5), end=when, panel=LOSS),
        evidence=(
            Reason(what="first loss or gradient that is not a number", value=f"{when:.2f}",
                   against="epochs done"),
            *([Reason(what="highest training loss before", value=f"{top:.3g}",
                      against=f"guessing gives {facts.chance:.3f}")] if rose else []),
        ),
        strength=math.inf,
        trials=advice.rate(settings, 0.1, "A tenth of the rate takes steps a tenth as long.")
        + advice.clipped(settings),
    )  # fmt: skip


def slowed_down(facts: CurveFacts) -> Finding | None:
    """Report divergences after which the run continued at a tenth of the rate."""
    steps, at = facts.situation.divergences, facts.curves.step_epoch
    if not steps or not len(at):
        return None
    epochs = [step * float(at[-1] / facts.curves.step[-1]) for step in steps]
    return Finding(
        kind="slowed_down",
        sentence=after_divergences(steps),
        span=EpochSpan(start=max(0.0, min(epochs) - 0.5), end=max(epochs), panel=LOSS),
        evidence=(
            Reason(what="steps whose loss or gradient was not a number",
                   value=", ".join(f"{step:,}" for step in steps)),
            Reason(what="latest rate", value=f"{facts.curves.learning_rate[-1]:.3g}"),
        ),
        strength=math.inf,
        trials=advice.clipped(facts.situation.settings),
    )  # fmt: skip


def lowest_reports(facts: CurveFacts) -> tuple[Values, Values, int]:
    """Return the blocks of the training loss and the index of the lowest."""
    x, y, _ = facts.blocks
    return x, y, int(np.argmin(y)) if len(y) else 0


@once
def divergence(facts: CurveFacts) -> Finding | None:
    """Report a training loss that rose and stayed high."""
    x, y, low = lowest_reports(facts)
    if len(y) - low < 4 or dead_start(facts):
        return None
    noise = float(np.median(facts.blocks[2]))
    start = max(float(y[0]), facts.chance)
    gained = start - float(y[low])
    level = float(np.median(y[-3:]))
    lost = level - float(y[low])
    steady = float(y[low + 1 :].min() - y[low]) > 0
    if gained < LEARNED * start or lost < max(RUNAWAY * gained, OUT_OF_NOISE * noise) or not steady:
        return None
    if any(at >= x[low] - 1 for at in facts.restarts):
        return None  # the schedule raised the rate, and the loss with it
    at, settings = float(x[low]), facts.situation.settings
    guessing = level > (1 - LEARNED) * facts.chance
    where = f"back to guessing, {level:.2f}" if guessing else f"to {level:.2f}"
    back = "it does not come back" if facts.situation.over else "it has not come back so far"
    return Finding(
        kind="divergence",
        sentence=f"From epoch {max(1, math.ceil(at))} the training loss diverges: from "
        f"{y[low]:.2f} {where}, and {back}.",
        span=EpochSpan(start=at, end=facts.done, panel=LOSS),
        evidence=(
            Reason(what="rise of the training loss", value=f"{lost:.3f}",
                     against=f"at least {max(RUNAWAY * gained, OUT_OF_NOISE * noise):.3f}"),
            Reason(what="noise band", value=f"±{noise:.3f}"),
            Reason(what="rate there", value=f"{rate_at(facts, at):.3g}"),
        ),
        strength=lost / noise,
        trials=advice.rate(settings, 0.1, "A tenth of the rate takes steps a tenth as long.")
        + advice.clipped(settings),
    )  # fmt: skip


def rate_at(facts: CurveFacts, epoch: float) -> float:
    """Return the learning rate of the report nearest to a moment."""
    return float(facts.curves.learning_rate[np.abs(facts.curves.step_epoch - epoch).argmin()])


def spikes(facts: CurveFacts) -> Finding | None:
    """Report jumps of the loss, or noise that is large compared with the gain."""
    if dead_start(facts) or divergence(facts):
        return None
    high = jumps(facts.curves.val_loss, facts.gained) if facts.count >= BRIEF else []
    times = [float(facts.curves.epoch[i]) for i in high]
    sizes = [size_of(facts.curves.val_loss, i) for i in high]
    what = "validation"
    if len(high) < 2:
        x, y = facts.curves.step_epoch, facts.curves.train_loss
        settled = x > min(1.0, facts.knee[0])
        x, y = x[settled], y[settled]
        high = jumps(y, facts.train_gained)
        if not high:
            return noisy(facts)
        times, sizes = [float(x[i]) for i in high], [size_of(y, i) for i in high]
        what = "training"
    settings = facts.situation.settings
    often = "once" if len(times) == 1 else f"{len(times)} times"
    band = float(np.nanmedian(facts.val_noise)) if what == "validation" else None
    return Finding(
        kind="spikes",
        sentence=f"The {what} loss jumps {often}, by up to {max(sizes):.2f} (first in epoch "
        f"{math.ceil(times[0])}, at a rate of {rate_at(facts, times[0]):.3g}).",
        span=EpochSpan(start=max(0.0, times[0] - 1), end=times[-1], panel=LOSS),
        evidence=(
            Reason(what="largest jump above its neighbors", value=f"{max(sizes):.3f}",
                     against=f"at least {percent(RUNAWAY, 0)} of the gain and {OUT_OF_NOISE:g} "
                     "noise bands"),
            *([Reason(what="noise band", value=f"±{band:.3f}")] if band else []),
        ),
        strength=OUT_OF_NOISE,
        trials=calmer(facts) + advice.clipped(settings),
    )  # fmt: skip


def calmer(facts: CurveFacts) -> tuple[Trial, ...]:
    """Return changes that make the loss steadier."""
    settings = facts.situation.settings
    return advice.rate(settings, 1 / 3, "Shorter steps usually make a loss steadier.") + (
        advice.decaying(settings)
    )


def jumps(values: Values, gained: float) -> list[int]:
    """Return the indices of values far above their neighbors, one for each jump."""
    if len(values) < BRIEF:
        return []
    near = np.lib.stride_tricks.sliding_window_view(
        np.pad(values, BRIEF // 2, mode="symmetric"), BRIEF
    )
    above = values - np.median(near, axis=1)
    noise = noise_around(values)
    limit = np.maximum(OUT_OF_NOISE * np.maximum(noise, np.median(noise)), RUNAWAY * gained)
    high = np.flatnonzero(above > limit).tolist()
    high = [i for i in high if 0 < i < len(values) - 1]
    return [i for i in high if i - 1 not in high]


def size_of(values: Values, index: int) -> float:
    """Return how far a value lies above the median of those around it."""
    near = values[max(0, index - BRIEF // 2) : index + BRIEF // 2 + 1]
    return float(values[index] - np.median(near))


def noisy(facts: CurveFacts) -> Finding | None:
    """Report a noise band that is wide compared with the gain."""
    if facts.count < 8 or facts.will_fall or facts.end_share < SUNK or facts.knee[1] < STRAIGHT:
        return None
    band = float(min(np.median(facts.val_noise[-LAST:]), np.median(facts.val_noise)))
    limit = NOISY * facts.gained
    if band < limit or facts.gained < LITTLE * facts.chance:
        return None
    return Finding(
        kind="spikes",
        sentence=f"From epoch to epoch the validation loss scatters by ±{band:.2f}, "
        f"{percent(band / facts.gained, 0)} of its fall since the first epoch.",
        span=EpochSpan(start=max(0.0, facts.done - LAST), end=facts.done, panel=LOSS),
        evidence=(
            Reason(what="noise band of the validation loss", value=f"±{band:.3f}",
                     against=f"at most {limit:.3f}, {percent(NOISY, 0)} of the gain"),
        ),
        strength=3 * band / limit,
        trials=() if 0 < facts.situation.val_images < FEW_IMAGES else calmer(facts),
    )  # fmt: skip
