"""How training and validation compare: overfitting, underfitting and the gap between them."""

import numpy as np

from cifar_core.data.augmentation.augment import is_augmented
from cifar_core.numbers import percent
from cifar_core.reading import advice
from cifar_core.reading.facts import FLAT, CurveFacts, once
from cifar_core.reading.guessing import dead_start, val_at_chance
from cifar_core.reading.spec import ACCURACY, LOSS, EpochSpan, Finding, Reason
from cifar_core.reading.statistics import mann_kendall

SURE = 0.05  # p-value below which a trend counts
SURER = 0.01  # the same of a rise from the lowest value, which was chosen among all
ABOVE = 3.0  # noise bands above the lowest from which on a validation loss has risen
SOME = 0.02  # share of the lowest validation loss that a rise must also reach
AFTER = 5  # epochs, the lowest among them, from which a trend can be seen
STEADY = 6  # epochs from which on the noise averages out
CLOSE = 0.03  # gap between training and validation accuracy that is none
WIDE = 0.10  # gap between training and validation accuracy that is worth a finding
NONE = 0.1  # share of that way under which it has not begun
LOW = 0.8  # share of the way from guessing to perfect under which a network has not fitted
AWAKE = 0.2  # share of the peak rate above which the schedule does not explain a flat loss
MOSTLY = 0.6  # share of the epochs


@once
def onset(facts: CurveFacts) -> int | None:
    """Return the index of the epoch after which the validation loss rises, if it does.

    The lowest of the cleaned curve, averaged over three epochs so that one lucky value does not
    decide; then the rest must rise with a trend and beyond the noise.
    """
    if facts.count < AFTER + 1 or facts.rate_rises:
        return None
    if dead_start(facts) or val_at_chance(facts):
        return None
    y = facts.val_clean
    smooth = np.convolve(np.pad(y, 1, mode="edge"), np.ones(3) / 3, mode="valid")
    low = int(np.argmin(smooth))
    rest = y[low:]
    if len(rest) < AFTER or mann_kendall(rest) > SURER:
        return None
    rise = float(np.median(y[-3:]) - smooth[low])
    noise = float(max(np.median(facts.val_noise[low:]), np.median(facts.val_noise)))
    fell = facts.train_loss[low] - float(np.median(facts.train_loss[-3:]))
    bands = ABOVE / max(1.0, len(rest) / STEADY) ** 0.5  # a long rise need not be as steep
    if rise < max(bands * noise, SOME * smooth[low]) or fell < facts.train_noise[low]:
        return None
    return low


def overfitting(facts: CurveFacts) -> Finding | None:
    """Report a validation loss that rises while the training loss falls."""
    low = onset(facts)
    if low is None:
        return None
    y, epoch = facts.curves.val_loss, facts.curves.epoch
    at = int(epoch[low])
    level, lowest = float(np.median(y[-3:])), float(facts.val_clean[low])
    noise = float(np.median(facts.val_noise[low:]))
    train = float(facts.train_loss[low]), float(np.median(facts.train_loss[-3:]))
    enough = min(facts.situation.epochs - 1, at + 1)
    return Finding(
        kind="overfitting",
        sentence=f"Overfitting from epoch {at}: the validation loss has risen from {lowest:.3f} "
        f"to {level:.3f} since, while the training loss fell from {train[0]:.3f} to "
        f"{train[1]:.3f}.",
        span=EpochSpan(start=float(at), end=float(epoch[-1]), panel=LOSS),
        evidence=(
            Reason(what="rise of the validation loss", value=f"{level - lowest:.3f}",
                     against=f"at least {max(ABOVE * noise, SOME * lowest):.3f}"),
            Reason(what="noise band", value=f"±{noise:.3f}"),
            Reason(what="p-value of a rise this steady without a trend",
                     value=f"{mann_kendall(facts.val_clean[low:]):.2g}",
                     against=f"at most {SURER:g}"),
            Reason(what="fall of the training loss", value=f"{train[0] - train[1]:.3f}"),
        ),
        strength=(level - lowest) / noise,
        trials=advice.against_overfitting(facts.situation.settings)
        + advice.shorter(facts.situation.settings, enough,
                         "The schedule then ends where the validation loss was lowest."),
    )  # fmt: skip


def over_confidence(facts: CurveFacts) -> Finding | None:
    """Report a validation accuracy that rises while its loss rises too."""
    low = onset(facts)
    if low is None:
        return None
    y, epoch = facts.curves.val_accuracy, facts.curves.epoch
    noise = float(np.median(facts.accuracy_noise[low:]))
    first, last = float(np.median(y[max(0, low - 1) : low + 2])), float(np.median(y[-3:]))
    if last - first < 2 * noise or mann_kendall(y[low:]) > SURE:
        return None
    return Finding(
        kind="over_confidence",
        sentence=f"While the validation loss rises, the accuracy still improves, from "
        f"{percent(first)} to {percent(last)}: the network is right more often, and more confident "
        "where it is wrong.",
        span=EpochSpan(start=float(epoch[low]), end=float(epoch[-1]), panel=ACCURACY),
        evidence=(
            Reason(what="rise in validation accuracy", value=f"{100 * (last - first):.2f} points",
                     against=f"at least {200 * noise:.2f} points"),
            Reason(what="p-value of a rise this steady without a trend",
                     value=f"{mann_kendall(y[low:]):.2g}", against=f"at most {SURE:g}"),
        ),
        strength=(last - first) / noise,
        trials=advice.smoothed_labels(facts.situation.settings),
    )  # fmt: skip


def underfitting(facts: CurveFacts) -> Finding | None:
    """Report training that has come to rest far from perfect.

    Of mixed images no network gets all right, and the loss stays high.
    """
    if facts.count < 6 or facts.gap > CLOSE or facts.will_fall:
        return None
    if facts.situation.is_reweighed or facts.situation.mixes_images:
        return None
    if not NONE < facts.skill < LOW or val_at_chance(facts) or dead_start(facts):
        return None
    flat = facts.train_trend[-facts.tail :] == 0
    awake = facts.rate[-facts.tail :] >= AWAKE * facts.curves.learning_rate.max()
    if not (flat & awake).all() or facts.train_gained < facts.chance * 0.03:
        return None
    y = facts.train_loss[-facts.tail :]
    noise = float(np.median(facts.train_noise[-facts.tail :]))
    accuracy = float(np.median(facts.train_accuracy[-3:]))
    start = float(facts.curves.epoch[-facts.tail])
    return Finding(
        kind="underfitting",
        sentence=f"Underfitting: since epoch {start:g} the training loss stays at "
        f"{np.median(y):.2f}, with {percent(accuracy, 0)} right and validation as good.",
        span=EpochSpan(start=start, end=float(facts.curves.epoch[-1]), panel=LOSS),
        evidence=(
            Reason(what="change of the training loss", value=f"{y[-1] - y[0]:+.3f}",
                     against=f"flat within {FLAT * noise:.3f}"),
            Reason(what="training accuracy minus validation accuracy",
                     value=f"{100 * facts.gap:+.1f} points", against=f"at most {100 * CLOSE:g}"),
        ),
        strength=3.0,
        trials=advice.larger(facts.situation.settings)
        + advice.rate(facts.situation.settings, 1 / 3, "If the rate is what keeps it from "
                      "settling, a third of it shows that soon."),
    )  # fmt: skip


def gap(facts: CurveFacts) -> Finding | None:
    """Report a network that is much better on training images.

    Where classes count otherwise in training, its accuracy says nothing beside that of validation.
    """
    if facts.count < AFTER or onset(facts) is not None or val_at_chance(facts):
        return None
    if facts.situation.is_reweighed:
        return None
    images = facts.situation.val_images or 5000
    last_val = float(np.median(facts.curves.val_accuracy[-3:]))
    least = max(WIDE, ABOVE * float(np.sqrt(last_val * (1 - last_val) / images)))
    if not facts.gap > least:
        return None
    epoch = facts.curves.epoch
    train = facts.by_epoch(facts.curves.train_accuracy, 0.75)
    wide = np.flatnonzero(~(train - facts.curves.val_accuracy > WIDE))
    start = int(wide[-1]) + 1 if len(wide) else 0
    start = min(start, facts.count - 1)
    noise = float(np.median(facts.accuracy_noise[-3:]))
    settled = settled_at(facts)
    resting = (
        f", whose loss has not fallen by more than its noise since epoch {epoch[settled]:g}"
        if facts.count - settled >= AFTER
        else ""
    )
    return Finding(
        kind="gap",
        sentence=f"Gap to training: {percent(np.median(train[-3:]), 0)} of the training images "
        f"are right and {percent(last_val, 0)} of the validation images{resting}.",
        span=EpochSpan(start=float(epoch[start]), end=float(epoch[-1]), panel=ACCURACY),
        evidence=(
            Reason(what="gap", value=f"{100 * facts.gap:.1f} points",
                     against=f"more than {100 * least:.3g} points"),
            Reason(what="noise band of the validation accuracy", value=f"±{100 * noise:.2f}"),
        ),
        strength=facts.gap / noise,
        trials=advice.against_overfitting(facts.situation.settings) if resting else (),
    )  # fmt: skip


def settled_at(facts: CurveFacts) -> int:
    """Return the index of the first epoch whose validation loss is as low as at the end."""
    y = facts.val_clean
    end = float(np.median(y[-facts.tail :]))
    return int(np.argmax(y <= end + float(np.median(facts.val_noise)) / 2))


def val_below_train(facts: CurveFacts) -> Finding | None:
    """Report a validation loss below the training loss, and how the two are measured."""
    if facts.count < 3 or dead_start(facts) or facts.situation.is_reweighed:
        return None
    train, val = facts.late_train_loss, facts.curves.val_loss
    noise = np.where(np.isfinite(facts.val_noise), facts.val_noise, 0.01)
    below = train - val > noise
    if below.mean() < MOSTLY or not below[-1]:
        return None
    apart = float(np.median((train - val)[below]))
    return Finding(
        kind="val_below_train",
        sentence=f"Validation looks better than training, by {apart:.2f} in the loss. The two are "
        f"not measured alike: training {measured_with(facts)}.",
        span=EpochSpan(start=float(facts.curves.epoch[int(np.argmax(below))]),
                  end=float(facts.curves.epoch[-1]), panel=LOSS),
        evidence=(
            Reason(what="epochs with a lower validation loss",
                     value=f"{int(below.sum())} of {facts.count}",
                     against=f"at least {percent(MOSTLY, 0)}"),
        ),
        strength=apart / float(np.median(noise)),
    )  # fmt: skip


def measured_with(facts: CurveFacts) -> str:
    """Return how training is measured in this run, other than validation."""
    situation = facts.situation
    named = {
        "mixed images": situation.mixes_images,
        "label smoothing": situation.settings.get("label_smoothing", 0.0) > 0,
        "dropout": situation.dropout,
        "augmentation": is_augmented(situation.settings),
        "weights that are not averaged": situation.settings.get("ema_epochs", 0.0) > 0,
    }
    words = [word for word, active in named.items() if active]
    listed = " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
    return "before each step" + (f", with {listed}" if words else "")
