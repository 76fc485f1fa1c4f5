"""How a run ended, and whether validation was still getting better then."""

import math

import numpy as np

from cifar_core.numbers import counted
from cifar_core.reading import advice
from cifar_core.reading.ends import EARLY_STOPPING, why
from cifar_core.reading.facts import CurveFacts
from cifar_core.reading.generalization import CLOSE, WIDE, onset
from cifar_core.reading.guessing import dead_start
from cifar_core.reading.spec import LOSS, EpochSpan, Finding, Reason
from cifar_core.reading.statistics import mann_kendall, theil_sen
from cifar_core.reading.trouble import divergence

SURE = 0.02  # p-value below which a fall is a trend
LEAST = 5  # epochs, if there are that many
ENDED = 0.05  # share of the peak rate that counts as nearly 0
FALLING = 3.0  # noise bands that the fall at the end must reach
CALM = 2.0  # the same at a low rate, where the noise is small, too
LITTLE = 0.01  # share of the loss that it must also reach


def too_short(facts: CurveFacts) -> Finding | None:
    """Report validation that was still getting better at the end, however the run ended."""
    if not facts.situation.over or facts.count < 3 or onset(facts) is not None:
        return None
    if divergence(facts) or dead_start(facts) or facts.situation.diverged:
        return None
    annealed = facts.end_share <= ENDED
    if annealed and facts.gap > CLOSE:
        return None  # the falling rate explains it, and the gap shows that the images are memorized
    length = tail(facts)
    x, y = facts.curves.epoch[-length:], facts.val_clean[-length:]
    if length < 3 or (length < 4 and facts.count > 3):
        return None
    noise = float(max(np.median(facts.val_noise[-length:]), np.median(facts.val_noise)))
    fall = -theil_sen(x, y) * float(x[-1] - x[0])
    bands = CALM if annealed else FALLING
    if facts.count < 4:
        steady = bool((np.diff(y) < 0).all()) and fall > 0.05 * y[0]
        noise = fall / FALLING
    else:
        steady = mann_kendall(-y) <= SURE and fall > max(bands * noise, LITTLE * y[0])
    if not steady:
        return None
    low = ", with a rate that had come down to nearly 0" if annealed else ""
    return Finding(
        kind="too_short",
        sentence=f"Validation was still getting better {when(facts)}: over the last {length} "
        f"epochs its loss fell from {y[0]:.3f} to {y[-1]:.3f}{low}.",
        span=EpochSpan(start=float(x[0]), end=float(x[-1]), panel=LOSS),
        evidence=(
            Reason(what="fall of the validation loss", value=f"{fall:.3f}",
                     against=f"at least {max(bands * noise, LITTLE * y[0]):.3f}"),
            Reason(what="gap between training and validation",
                     value=f"{100 * facts.gap:+.1f} points"),
        ),
        strength=fall / noise if facts.count >= 4 else 2.0,
        trials=advice.longer(facts.situation.settings, 2, "Twice the epochs, with the schedule "
                             "stretched over them.")
        if facts.as_planned and facts.gap <= WIDE else (),
    )  # fmt: skip


def tail(facts: CurveFacts) -> int:
    """Return how many epochs count as the end: a quarter, at least 5, after the last drop."""
    length = min(facts.count, max(LEAST, facts.count // 4))
    if facts.drops:
        length = min(length, int((facts.curves.epoch > facts.drops[-1][0] + 1e-6).sum()))
    return length


def when(facts: CurveFacts) -> str:
    """Return how the run ended, to follow "was still getting better"."""
    if facts.as_planned:
        return "at the end"
    return {"stopped": "when the run was stopped", "failed": "when the run failed"}.get(
        facts.situation.state, "when the run ended"
    )


def stopped_early(facts: CurveFacts) -> Finding | None:
    """Report a run that is over before its planned end, and how it came to an end."""
    situation, count = facts.situation, facts.count
    if not situation.over or not situation.epochs or count >= situation.epochs:
        return None
    if situation.diverged:
        return None
    best = facts.curves.best
    since = 0 if best is None else count - 1 - best
    patience = int(situation.settings.get("patience", 0))
    patient = situation.end in ("", EARLY_STOPPING) and 0 < patience <= since
    patient = patient and situation.state == "finished"
    because = why(situation.end, situation.settings)
    done = f"{count} of {counted(situation.epochs, 'epoch')}"
    start = facts.done - 0.5
    if patient and best is not None:
        start = float(facts.curves.epoch[best])
        sentence = (
            f"Early stopping ended it after {done}: for {counted(since, 'epoch')} no epoch was "
            f"better than epoch {start:g}."
        )
    elif situation.state == "failed":
        sentence = f"It failed after {done} for a reason that is not in its curves."
    elif situation.state == "stopped":
        sentence = f"It was stopped after {done}, as requested."
    else:
        sentence = f"It ended after {done}" + (f" because {because}." if because else ".")
    return Finding(
        kind="stopped_early",
        sentence=sentence,
        span=EpochSpan(start=max(0.0, start), end=facts.done, panel="accuracy"),
        evidence=(
            Reason(what=f"epochs since the best validation {situation.measure.words}",
                     value=str(since),
                     against=f"patience {patience}" if patience else "no patience was set"),
        ),
        strength=math.inf,
    )  # fmt: skip
