"""What the curves cannot show, and what would be needed to see it."""

import math

import numpy as np

from cifar_core.numbers import percent
from cifar_core.reading.facts import NOTHING, CurveFacts
from cifar_core.reading.guessing import dead_start, val_at_chance
from cifar_core.reading.spec import ACCURACY, LOSS, EpochSpan, Finding, Reason
from cifar_core.reading.statistics import mann_kendall
from cifar_core.reading.trouble import divergence
from cifar_core.statistics.intervals import wilson

ENOUGH = 5  # epochs from which validation trends can be distinguished from noise
DROWNED = 3.0  # noise bands that all changes together must reach
TREND = 0.05  # p-value below which there is a trend in spite of the noise
FEW = 500  # validation images under which an accuracy is known only roughly


def cannot_tell(facts: CurveFacts, *, quiet: bool) -> list[Finding]:
    """Return each reason why the curves show less than they might.

    `quiet`: no other finding describes how validation went.
    """
    doubts = (brief(facts), drowned(facts) if quiet else None, few_images(facts))
    return [doubt for doubt in doubts if doubt]


def brief(facts: CurveFacts) -> Finding | None:
    """Report too few epochs, or none that was validated."""
    if facts.count >= ENOUGH or facts.situation.diverged:
        return None
    had = (
        "No epoch has been validated"
        if not facts.count
        else f"{facts.count} epoch{'s' if facts.count > 1 else ''} of validation"
    )
    verb = "" if not facts.count else " are" if facts.count > 1 else " is"
    rest = ": " if not facts.count else " too few: "
    return Finding(
        kind="cannot_tell",
        sentence=f"{had}{verb}{rest}it takes {ENOUGH} to see overfitting or a plateau.",
        span=EpochSpan(start=0.0, end=facts.done, panel=LOSS),
        evidence=(
            Reason(what="validated epochs", value=str(facts.count), against=f"at least {ENOUGH}"),
        ),
        strength=math.inf,
    )


def drowned(facts: CurveFacts) -> Finding | None:
    """Report a validation loss whose noise is as large as all its changes."""
    if facts.count < ENOUGH or dead_start(facts) or divergence(facts):
        return None
    y = facts.val_clean
    middle = np.median(np.lib.stride_tricks.sliding_window_view(y, 3), axis=1)
    noise = float(np.median(facts.val_noise))
    moved = float(np.ptp(middle))
    if moved > DROWNED * noise or noise < NOTHING * facts.gained or val_at_chance(facts):
        return None
    if min(mann_kendall(y), mann_kendall(-y)) <= TREND:
        return None
    return Finding(
        kind="cannot_tell",
        sentence=f"Between epochs the validation loss scatters by ±{noise:.3f}, more than it "
        f"changes over the run ({moved:.3f}): trends cannot be seen.",
        span=EpochSpan(start=1.0, end=facts.done, panel=LOSS),
        evidence=(
            Reason(what="all changes of its running median", value=f"{moved:.3f}",
                     against=f"at least {DROWNED * noise:.3f}"),
            Reason(what="noise band", value=f"±{noise:.3f}"),
        ),
        strength=math.inf,
    )  # fmt: skip


def few_images(facts: CurveFacts) -> Finding | None:
    """Report a validation set that is too small to measure the accuracy well."""
    images = facts.situation.val_images
    if not 0 < images < FEW or not facts.count:
        return None
    share = float(facts.curves.val_accuracy[-1])
    low, high = wilson(share, images)
    return Finding(
        kind="cannot_tell",
        sentence=f"Only {images} image{'s validate' if images > 1 else ' validates'} each epoch: "
        f"the last validation accuracy, {percent(share)}, stands for anything from "
        f"{percent(low)} to {percent(high)} (95 % interval).",
        span=EpochSpan(start=0.0, end=facts.done, panel=ACCURACY),
        evidence=(Reason(what="validation images", value=str(images), against=f"at least {FEW}"),),
        strength=math.inf,
    )
