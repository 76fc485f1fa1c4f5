"""Runs that are no better than guessing: in training, in validation, or for small classes."""

import math

import numpy as np

from cifar_core.numbers import counted, percent
from cifar_core.reading import advice
from cifar_core.reading.curves import Values
from cifar_core.reading.facts import CurveFacts, once
from cifar_core.reading.spec import ACCURACY, LOSS, EpochSpan, Finding, Reason, Trial
from cifar_core.reading.statistics import mann_kendall, theil_sen

LEARNED = 0.03  # share of the guessing loss that the loss must fall below it to count as learned
FEW = 20  # training reports below which a lack of progress means nothing
FAR = 1.5  # times the guessing loss from which a loss is far above it
SHOT_UP = 0.25  # share of the guessing loss by which a loss must rise above its first to shoot up
OUT_OF_NOISE = 6.0  # noise bands
STEADY = 0.01  # p-value below which a fall that is too small to count is a trend
CHANCE_BANDS = 2.0  # standard errors of an accuracy within which it equals guessing
RISING = 0.01  # p-value below which the accuracy rises with a trend
VAL_LEARNED = 0.02  # share of the guessing loss that validation must fall below it
SEEN = 4  # epochs from which validation can be said to stay anywhere
APART = 0.10  # by which training accuracy must exceed guessing to be worth a sentence


@once
def dead_start(facts: CurveFacts) -> Finding | None:
    """Report a training loss that never left the level of guessing, or is far above it."""
    y = facts.blocks[1]
    limit = (1 - LEARNED) * facts.chance
    if facts.done < 1 or len(facts.curves.train_loss) < FEW:
        return None
    lowest = lowest_stretch(y)
    if lowest < limit:
        return None
    level = float(np.median(y[-3:]))
    shares = "by the shares of" if facts.situation.uneven else "among"
    guess = f"guessing {shares} {facts.situation.classes} classes gives"
    now = "It has not learned" if facts.situation.over else "It has not begun to learn"
    done = counted(facts.done, "epoch", ".3g")
    sentence = (
        f"After {done} the training loss is {level:.3g}, far above "
        f"the {facts.chance:.3f} of guessing {shares} {facts.situation.classes} classes."
        if is_far(facts)
        else f"{now}: after {done} the training loss is {level:.3f}, and {guess} "
        f"{facts.chance:.3f}."
    )
    return Finding(
        kind="dead_start",
        sentence=sentence,
        span=EpochSpan(start=0, end=facts.done, panel=LOSS),
        evidence=(
            Reason(what="lowest stretch of the training loss", value=f"{lowest:.4g}",
                   against=f"learning begins below {limit:.3f}"),
        ),
        strength=math.inf,
        trials=other_rate(facts),
    )  # fmt: skip


def lowest_stretch(values: Values) -> float:
    """Return the lowest median of an eighth of the values in a row: one lucky value is luck."""
    width = max(1, len(values) // 8)
    rows = np.lib.stride_tricks.sliding_window_view(values, width)
    return float(np.median(rows, axis=1).min())


def is_far(facts: CurveFacts) -> bool:
    """Return True if the training loss is now far above that of guessing."""
    y = facts.blocks[1]
    return bool(len(y)) and float(np.median(y[-3:])) > FAR * facts.chance


def other_rate(facts: CurveFacts) -> tuple[Trial, ...]:
    """Return a change of the rate if the curve shows which way, otherwise none."""
    settings = facts.situation.settings
    if shot_up(facts):
        return advice.rate(settings, 0.1, "The loss shot up: a tenth of the rate takes steps a "
                           "tenth as long.") + advice.clipped(settings)  # fmt: skip
    if creeps_down(facts):
        return advice.rate(settings, 10, "The loss falls steadily, but far too slowly to count "
                           "as learning in this time.")  # fmt: skip
    return ()


def shot_up(facts: CurveFacts) -> bool:
    """Return True if the training loss was far above where it began, or above guessing."""
    _, y, noise = facts.blocks
    if not len(y):
        return False
    above_first = SHOT_UP * facts.chance + OUT_OF_NOISE * float(np.median(noise))
    untrained = math.log(facts.situation.classes)
    return bool(y.max() > 2 * untrained or y.max() > y[0] + above_first)


def creeps_down(facts: CurveFacts) -> bool:
    """Return True if the training loss falls with a trend and beyond its noise in the second half.

    The first half is left out because a fresh network, too, soon learns the shares of the classes.
    """
    x, y, noise = (values[len(facts.blocks[0]) // 2 :] for values in facts.blocks)
    if len(y) < 6 or shot_up(facts):
        return False
    fall = -theil_sen(x, y) * float(x[-1] - x[0])
    return mann_kendall(-y) < STEADY and fall > float(np.median(noise))


def finds_rare_classes(facts: CurveFacts) -> bool:
    """Return True if classes are uneven and the balanced accuracy is clearly above guessing.

    A network that no longer names the largest class all the time can have a lower accuracy than
    one that does, and a higher loss, and yet have learned.
    """
    late = facts.curves.val_balanced_accuracy[facts.count // 2 :]
    images = [n for n in facts.situation.val_counts if n]
    if not facts.situation.uneven or not images or not np.isfinite(late).all():
        return False
    chance = 1 / len(images)
    error = math.sqrt(sum(chance * (1 - chance) / n for n in images)) / len(images)
    return float(late.mean()) > chance + CHANCE_BANDS * error


@once
def val_at_chance(facts: CurveFacts) -> Finding | None:
    """Report validation that stays where guessing puts it, although training has learned."""
    if facts.count < SEEN or dead_start(facts):
        return None
    guess, images = facts.situation.guessing_accuracy, facts.situation.val_images or 5000
    late = facts.curves.val_accuracy[facts.count // 2 :]
    level, error = float(late.mean()), math.sqrt(guess * (1 - guess) / images)
    smooth = np.convolve(facts.val_clean, np.ones(3) / 3, mode="valid")
    limit = (1 - VAL_LEARNED) * facts.chance - float(np.nanmedian(facts.val_noise))
    if level > guess + CHANCE_BANDS * error or float(smooth.min()) < limit:
        return None
    if finds_rare_classes(facts):
        return None
    if mann_kendall(late) <= RISING:
        return None  # it is about to leave
    what = "always naming the largest class" if facts.situation.uneven else "guessing"
    trained = float(np.median(facts.train_accuracy[-3:]))
    learned = (
        f", while {percent(trained, 0)} of the training images are right"
        if trained > guess + APART
        else ""
    )
    return Finding(
        kind="val_at_chance",
        sentence=f"Validation stays at guessing: over the last {len(late)} epochs {percent(level)} "
        f"of its images are right, and {what} gives {percent(guess)}{learned}.",
        span=EpochSpan(start=float(facts.curves.epoch[0]), end=facts.done, panel=ACCURACY),
        evidence=(
            Reason(what="mean validation accuracy of the second half", value=f"{percent(level)}",
                   against=f"more than {percent(guess + CHANCE_BANDS * error)}"),
            Reason(what="lowest validation loss, over three epochs",
                   value=f"{float(smooth.min()):.3f}", against=f"below {limit:.3f}"),
        ),
        strength=math.inf,
    )  # fmt: skip
