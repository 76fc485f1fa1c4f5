"""The course of a run: its fast descent, its plateaus, and a validation loss that comes back."""

import numpy as np

from cifar_core.numbers import percent
from cifar_core.reading import advice
from cifar_core.reading.curves import Values
from cifar_core.reading.facts import FLAT, NOTHING, CurveFacts
from cifar_core.reading.guessing import VAL_LEARNED, dead_start, shot_up, val_at_chance
from cifar_core.reading.spec import LOSS, EpochSpan, Finding, Reason
from cifar_core.reading.statistics import mann_kendall, theil_sen
from cifar_core.reading.trouble import divergence

BENT = 0.25  # bend over which a descent has a fast part
CLEAR_BEND = 4.0  # noise bands that the bend must reach, too
TREND = 0.05  # p-value below which a stretch is not flat
INSIDE = 0.75  # share of its epochs that must lie within its noise
BESIDE = 2  # epochs on either side with which it must be flat, too
EDGE = 2.0  # noise bands from its middle that its first and last epoch may lie
BUMP = 4.0  # noise bands by which a validation loss must rise and fall again
HIGH = 0.1  # share of what was gained that both must also reach
LASTING = 3  # epochs that it must lie above half of its rise


def fast_descent(facts: CurveFacts) -> Finding | None:
    """Report the steep part at the beginning."""
    at, bend = facts.knee
    _, y, noise = facts.blocks
    if bend < BENT or dead_start(facts) or divergence(facts) or shot_up(facts):
        return None
    if bend * facts.train_gained < CLEAR_BEND * float(np.median(noise)):
        return None
    knee = int(np.searchsorted(facts.blocks[0], at))
    start, end = float(y[0]), float(y[knee])
    share = (start - end) / facts.train_gained
    return Finding(
        kind="fast_descent",
        sentence=f"Fast descent until epoch {at:.1f}: the training loss falls from {start:.2f} to "
        f"{end:.2f}, {percent(share, 0)} of all that it gained"
        + ("." if facts.situation.over else " so far."),
        span=EpochSpan(start=0.0, end=at, panel=LOSS),
        evidence=(
            Reason(what="bend away from a straight line", value=f"{percent(bend, 0)}",
                     against=f"at least {percent(BENT, 0)}"),
        ),
        strength=(start - end) / float(np.median(noise)),
    )  # fmt: skip


def rise_and_fall(facts: CurveFacts) -> Finding | None:
    """Report a validation loss that got worse for a while, and then better again."""
    if facts.count < 2 * LASTING or dead_start(facts) or divergence(facts):
        return None
    y = np.convolve(np.pad(facts.val_clean, 1, mode="edge"), np.ones(3) / 3, mode="valid")
    before, after = np.minimum.accumulate(y), np.minimum.accumulate(y[::-1])[::-1]
    heights = y - np.maximum(before, after)
    peak = int(np.argmax(heights))
    low = int(np.argmin(y[: peak + 1]))
    end = peak + int(np.argmin(y[peak:]))
    noise = float(np.median(facts.val_noise[low : end + 1]))
    limit = max(BUMP * noise, HIGH * facts.gained)
    lasting = int((y[low : end + 1] > y[low] + heights[peak] / 2).sum())
    if heights[peak] < limit or lasting < LASTING:
        return None
    epoch = facts.curves.epoch
    lower = ", lower than before" if y[low] - y[end] > BUMP * noise / 2 else ""
    return Finding(
        kind="rise_and_fall",
        sentence=f"The validation loss rose from {y[low]:.3f} in epoch {epoch[low]:g} to "
        f"{y[peak]:.3f} in epoch {epoch[peak]:g} and came down again to {y[end]:.3f} in epoch "
        f"{epoch[end]:g}{lower}.",
        span=EpochSpan(start=float(epoch[low]), end=float(epoch[end]), panel=LOSS),
        evidence=(
            Reason(what="smaller of the rise and the fall", value=f"{heights[peak]:.3f}",
                   against=f"at least {limit:.3f}"),
            Reason(what="noise band", value=f"±{noise:.3f}"),
        ),
        strength=heights[peak] / noise,
    )  # fmt: skip


def plateau(facts: CurveFacts) -> Finding | None:
    """Report the longest stretch over which validation got neither better nor worse."""
    if facts.count < 6 or dead_start(facts) or divergence(facts) or val_at_chance(facts):
        return None
    start, end = flat_part(facts, *trimmed(facts, *longest_flat(facts.val_trend)))
    if end - start < max(4, facts.count / 8):  # the end of a slow descent has no bend
        start, end = flat_part(facts, 0, facts.count)
        if end - start < max(6, facts.count / 3):
            return None
    epoch, y = facts.curves.epoch, facts.val_clean
    first, last = float(epoch[start]), float(epoch[end - 1])
    noise = noise_of(facts, start, end)
    if noise > HIGH * facts.gained and noise > NOTHING * facts.chance:
        return None  # it scatters more than that it rests
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
    learned = float(y.min()) < (1 - VAL_LEARNED) * facts.chance
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
        trials=advice.decaying(settings) if ongoing and warm and learned else (),
    )  # fmt: skip


def drift(facts: CurveFacts, start: int, end: int) -> float:
    """Return by how much the trend of the validation loss moves from one index to another."""
    x, y = facts.curves.epoch[start:end], facts.val_clean[start:end]
    return theil_sen(x, y) * float(x[-1] - x[0])


def flatness(facts: CurveFacts, start: int, end: int) -> float:
    """Return by how much it may move and still be called flat."""
    return max(FLAT * noise_of(facts, start, end), NOTHING * facts.gained)


def noise_of(facts: CurveFacts, start: int, end: int) -> float:
    """Return the noise band of a stretch, at most that of the whole run: a few can mislead."""
    return float(min(np.median(facts.val_noise[start:end]), np.median(facts.val_noise)))


def is_flat(facts: CurveFacts, start: int, end: int) -> bool:
    """Return True if the validation loss neither drifts beyond its noise nor with a trend."""
    moved, y = abs(drift(facts, start, end)), facts.val_clean[start:end]
    steady = min(mann_kendall(y), mann_kendall(-y)) <= TREND
    noise = noise_of(facts, start, end)
    if steady and moved > max(noise, NOTHING * facts.gained):
        return False
    off = np.abs(facts.curves.val_loss[start:end] - np.median(y))
    if np.mean(off <= FLAT * noise) < INSIDE:
        return False
    beside = slice(max(0, start - BESIDE), min(facts.count, end + BESIDE))
    around = abs(theil_sen(facts.curves.epoch[beside], facts.val_clean[beside])) * (end - start - 1)
    return max(moved, around) <= flatness(facts, start, end)


def flat_part(facts: CurveFacts, start: int, end: int) -> tuple[int, int]:
    """Return the longest part to the end of a stretch that is flat, fewer than 4 epochs if none."""
    while end - start >= 4 and not is_flat(facts, start, end):
        start += 1
    return start, end


def trimmed(facts: CurveFacts, start: int, end: int) -> tuple[int, int]:
    """Return a stretch without the epochs at its ends that lie outside its noise."""
    y = facts.curves.val_loss
    while end - start >= 4:
        off = np.abs(y[start:end] - np.median(y[start:end]))
        limit = EDGE * noise_of(facts, start, end)
        if off[0] <= limit and off[-1] <= limit:
            break
        start, end = (start + 1, end) if off[0] > off[-1] else (start, end - 1)
    return start, end


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
