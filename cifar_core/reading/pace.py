"""How well the learning rate and the length of the run worked: drops, slow rates, an early end."""

import math

import numpy as np

from cifar_core.reading import advice
from cifar_core.reading.curves import Values
from cifar_core.reading.facts import FLAT, NOTHING, CurveFacts
from cifar_core.reading.generalization import CLOSE, SURE, onset
from cifar_core.reading.spec import LOSS, EpochSpan, Finding, Reason
from cifar_core.reading.statistics import mann_kendall, theil_sen
from cifar_core.reading.trouble import LEARNED, dead_start, divergence

WINDOW = 3  # epochs before and after a drop that are compared
GAINED = 3.0  # noise bands by which a drop must have gained
STRAIGHT = 0.15  # bend under which a descent counts as a straight line
BENT = 0.25  # bend over which a descent has a fast part
SEEN = 4  # epochs from which the shape of a descent can be seen
UNTOUCHED = 0.6  # share of the first loss above which little has been learned
COOL = 0.5  # share of the peak rate below which a falling schedule has come down
ENDED = 0.05  # share of the peak rate that counts as nearly 0
FALLING = 3.0  # noise bands that the fall at the end must reach
CALM = 2.0  # the same at a low rate, where the noise is small, too
LITTLE = 0.01  # share of the loss that it must also reach


def fast_descent(facts: CurveFacts) -> Finding | None:
    """Report the steep part at the beginning."""
    at, bend = facts.knee
    _, y, noise = facts.blocks
    if bend < BENT or dead_start(facts) or divergence(facts):
        return None
    knee = int(np.searchsorted(facts.blocks[0], at))
    start, end = float(y[0]), float(y[knee])
    share = (start - end) / facts.train_gained
    return Finding(
        kind="fast_descent",
        sentence=f"Fast descent until epoch {at:.1f}: the training loss falls from {start:.2f} to "
        f"{end:.2f}, {share:.0%} of all that it gained"
        + ("." if facts.situation.over else " so far."),
        span=EpochSpan(start=0.0, end=at, panel=LOSS),
        evidence=(
            Reason(what="bend away from a straight line", value=f"{bend:.0%}",
                     against=f"at least {BENT:.0%}"),
        ),
        strength=(start - end) / float(np.median(noise)),
    )  # fmt: skip


def rate_drops(facts: CurveFacts) -> list[Finding]:
    """Report each sudden drop of the rate and its effect."""
    ends = [*(at for at, _, _ in facts.drops), math.inf][1:]
    findings = [rate_drop(facts, *drop, end) for drop, end in zip(facts.drops, ends, strict=True)]
    return [finding for finding in findings if finding is not None]


def rate_drop(
    facts: CurveFacts, at: float, before: float, after: float, until: float
) -> Finding | None:
    """Return what one drop of the rate at an epoch achieved, as seen until the next drop."""
    epoch, y = facts.curves.epoch, facts.curves.val_loss
    old = np.flatnonzero(epoch <= at + 1e-6)[-5:]
    new = np.flatnonzero((epoch > at + 1e-6) & (epoch <= until + 1e-6))[:WINDOW]
    if len(old) < 3 or len(new) < 2:
        return None
    slope = min(0.0, theil_sen(epoch[old], facts.val_clean[old]))
    level = float(np.median(y[old[-WINDOW:]]))
    ahead = float(epoch[new].mean() - epoch[old[-WINDOW:]].mean())
    expected, reached = level + slope * ahead, float(np.median(y[new]))
    noise = float(np.median(facts.val_noise[old]))
    gain = expected - reached
    paid = gain > GAINED * noise
    accuracy = facts.curves.val_accuracy
    points = 100 * float(np.median(accuracy[new]) - np.median(accuracy[old[-WINDOW:]]))
    where = f"The rate fell from {before:.3g} to {after:.3g} after epoch {at:.3g}"
    sentence = (
        f"{where} and paid off: within {len(new)} epochs the validation loss fell by "
        f"{level - reached:.3f} and the accuracy rose by {points:.1f} points."
        if paid
        else f"{where}, which changed nothing beyond the noise: {level - reached:+.3f} in "
        "the validation loss."
    )
    return Finding(
        kind="rate_drop" if paid else "rate_drop_idle",
        sentence=sentence,
        span=EpochSpan(start=at, end=float(epoch[new[-1]]), panel=LOSS),
        evidence=(
            Reason(what="validation loss below the earlier trend",
                     value=f"{gain:.3f}", against=f"at least {GAINED * noise:.3f}"),
            Reason(what="noise band before the drop", value=f"±{noise:.3f}"),
        ),
        strength=gain / noise if paid else GAINED,
    )  # fmt: skip


def rate_end(facts: CurveFacts) -> Finding | None:
    """Report the effect of the last, low part of a falling schedule."""
    rate, at = facts.curves.learning_rate, facts.curves.step_epoch
    if not len(rate) or facts.drops or facts.restarts or facts.end_share > COOL:
        return None
    if dead_start(facts) or divergence(facts):
        return None
    high = np.flatnonzero(rate > COOL * rate.max())
    start = float(at[high[-1]])
    epoch, y = facts.curves.epoch, facts.curves.val_loss
    old = np.flatnonzero(epoch <= start + 1e-6)[-WINDOW:]
    new = np.flatnonzero(epoch > start + 1e-6)
    if len(old) < 2 or len(new) < 2 or rate.argmax() == len(rate) - 1:
        return None
    last = new[-min(2, len(new)) :]
    level, reached = float(np.median(y[old])), float(np.median(y[last]))
    noise = float(np.nanmedian(facts.val_noise[old]))
    if not level - reached > GAINED * noise:
        return None
    accuracy = facts.curves.val_accuracy
    points = 100 * float(np.median(accuracy[last]) - np.median(accuracy[old]))
    return Finding(
        kind="rate_end",
        sentence=f"The low rate from epoch {start:.1f} on pays off: the validation loss came down "
        f"by {level - reached:.2f} and the accuracy rose by {points:.1f} points.",
        span=EpochSpan(start=start, end=float(epoch[-1]), panel=LOSS),
        evidence=(
            Reason(what="fall of the validation loss", value=f"{level - reached:.3f}",
                     against=f"at least {GAINED * noise:.3f}"),
            Reason(what="noise band before", value=f"±{noise:.3f}"),
        ),
        strength=(level - reached) / noise,
    )  # fmt: skip


def rate_too_low(facts: CurveFacts) -> Finding | None:
    """Report a descent that is nearly a straight line and has not got far."""
    _, bend = facts.knee
    _, y, noise = facts.blocks
    if facts.count < SEEN or bend > STRAIGHT or dead_start(facts) or facts.rate_rises:
        return None
    start, end = float(np.median(y[:2])), float(np.median(y[-3:]))
    falls = start - end > 6 * float(np.median(noise)) and mann_kendall(-y) < SURE
    if not falls or end < UNTOUCHED * start or start - end < LEARNED * start:
        return None
    return Finding(
        kind="rate_too_low",
        sentence=f"The training loss falls in nearly a straight line, from {start:.2f} only to "
        f"{end:.2f} in {facts.done:.3g} epochs: a higher rate would be faster.",
        span=EpochSpan(start=0.0, end=facts.done, panel=LOSS),
        evidence=(
            Reason(what="bend away from a straight line", value=f"{bend:.0%}",
                     against=f"at most {STRAIGHT:.0%}"),
            Reason(what="loss left of the first", value=f"{end / start:.0%}",
                     against=f"at least {UNTOUCHED:.0%}"),
        ),
        strength=(start - end) / float(np.median(noise)),
        trials=advice.rate(facts.situation.settings, 3, "Three times the rate.")
        + advice.rate(facts.situation.settings, 10, "Ten times, if that is still slow."),
    )  # fmt: skip


def too_short(facts: CurveFacts) -> Finding | None:
    """Report validation that was still getting better at the end."""
    if not facts.situation.over or facts.count < 3 or onset(facts) is not None:
        return None
    if divergence(facts) or dead_start(facts):
        return None
    annealed = facts.end_share <= ENDED
    if annealed and facts.gap > CLOSE:
        return None  # the falling rate explains it, and the gap shows that the images are memorized
    y = facts.val_clean[-facts.tail :]
    noise = float(np.median(facts.val_noise[-facts.tail :]))
    fall = float(y[0] - y[-1])
    bands = CALM if annealed else FALLING
    if facts.count < 4:
        steady = bool((np.diff(y) < 0).all()) and fall > 0.05 * y[0]
        noise = fall / FALLING
    else:
        steady = mann_kendall(-y) <= SURE and fall > max(bands * noise, LITTLE * y[0])
    if not steady:
        return None
    epoch = facts.curves.epoch
    why = (
        "The rate had come down to nearly 0 by then, but validation is as good as training, so "
        "a longer run may help."
        if annealed
        else "A longer run would get further."
    )
    return Finding(
        kind="too_short",
        sentence=f"Too short: over the last {facts.tail} epochs the validation loss still fell, "
        f"from {y[0]:.3f} to {y[-1]:.3f}. {why}",
        span=EpochSpan(start=float(epoch[-facts.tail]), end=float(epoch[-1]), panel=LOSS),
        evidence=(
            Reason(what="fall of the validation loss", value=f"{fall:.3f}",
                     against=f"at least {max(bands * noise, LITTLE * y[0]):.3f}"),
            Reason(what="gap between training and validation",
                     value=f"{100 * facts.gap:+.1f} points"),
        ),
        strength=fall / noise if facts.count >= 4 else 2.0,
        trials=advice.longer(facts.situation.settings, 2, "Twice the epochs, with the schedule "
                             "stretched over them."),
    )  # fmt: skip


def stopped_early(facts: CurveFacts) -> Finding | None:
    """Report a run that is over before its planned end."""
    planned = facts.situation.epochs
    if not facts.situation.over or not planned or facts.count >= planned:
        return None
    if facts.situation.reason == "diverged" or not facts.count:
        return None
    best = facts.curves.best
    assert best is not None
    since = facts.count - 1 - best
    patience = int(facts.situation.settings.get("patience", 0))
    patient = 0 < patience <= since
    why = (
        f"for {since} epochs no epoch was better than epoch {best + 1}"
        if patient
        else "it was stopped from outside, not because of its curves"
    )
    return Finding(
        kind="stopped_early",
        sentence=f"It ended after {facts.count} of {planned} epochs: {why}.",
        span=EpochSpan(start=float(facts.curves.epoch[best]) if patient else facts.done - 0.5,
                  end=facts.done, panel="accuracy"),
        evidence=(
            Reason(what="epochs since the best validation accuracy", value=str(since),
                     against=f"patience {patience}" if patience else "no patience was set"),
        ),
        strength=math.inf,
    )  # fmt: skip


def plateau(facts: CurveFacts) -> Finding | None:
    """Report the longest stretch over which validation got neither better nor worse."""
    if facts.count < 6 or dead_start(facts) or divergence(facts):
        return None
    start, end = longest_flat(facts.val_trend)
    while end - start >= 4 and abs(drift(facts, start, end)) > flatness(facts, start, end):
        start += 1  # stretches that are each flat can add up to a slope
    if end - start < max(4, facts.count / 8):
        return None
    epoch, y = facts.curves.epoch, facts.val_clean
    first, last = float(epoch[start]), float(epoch[end - 1])
    noise = float(np.median(facts.val_noise[start:end]))
    trained = facts.train_loss[start] - facts.train_loss[end - 1]
    still, ongoing = trained > 2 * facts.train_noise[start], end == facts.count
    sentence = (
        f"Plateau {'since' if ongoing else 'in'} epoch{'s' if not ongoing else ''} {first:g}"
        f"{'' if ongoing else f' to {last:g}'}: the validation loss stays at "
        f"{np.median(y[start:end]):.3f} ± {noise:.3f}"
    )
    sentence += (
        f" while the training loss still falls by {trained:.2f}."
        if still
        else ", and so does the training loss."
    )
    settings = facts.situation.settings
    warm = facts.rate[end - 1] > 0.3 * facts.curves.learning_rate.max()
    return Finding(
        kind="plateau",
        sentence=sentence,
        span=EpochSpan(start=first, end=last, panel=LOSS),
        evidence=(
            Reason(what="change of the validation loss",
                     value=f"{drift(facts, start, end):+.3f}",
                     against=f"flat within {flatness(facts, start, end):.3f}"),
            Reason(what="noise band", value=f"±{noise:.3f}"),
        ),
        strength=LIKELY_FLAT,
        trials=advice.decaying(settings) if ongoing and warm else (),
    )  # fmt: skip


def drift(facts: CurveFacts, start: int, end: int) -> float:
    """Return by how much the trend of the validation loss moves from one index to another."""
    x, y = facts.curves.epoch[start:end], facts.val_clean[start:end]
    return theil_sen(x, y) * float(x[-1] - x[0])


def flatness(facts: CurveFacts, start: int, end: int) -> float:
    """Return by how much it may move and still be called flat."""
    return max(FLAT * float(np.median(facts.val_noise[start:end])), NOTHING * facts.gained)


LIKELY_FLAT = 3.0  # a flat stretch is the absence of an effect, so it is never called clear


def longest_flat(trend: Values) -> tuple[int, int]:
    """Return the longest stretch [start, end) of zeros."""
    best, begin = (0, 0), 0
    for i, value in enumerate([*trend, 1.0]):
        if value != 0:
            if i - begin > best[1] - best[0]:
                best = (begin, i)
            begin = i + 1
    return best
