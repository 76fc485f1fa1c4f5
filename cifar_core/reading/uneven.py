"""Classes of very different size: what accuracy hides, and networks that name only the largest."""

import math

import numpy as np

from cifar_core.numbers import percent
from cifar_core.reading import advice
from cifar_core.reading.facts import CurveFacts, once
from cifar_core.reading.guessing import CHANCE_BANDS, SEEN
from cifar_core.reading.spec import ACCURACY, EpochSpan, Finding, Reason

NEAR_CHANCE = 0.02  # by which a balanced accuracy may exceed 1 / K and still be that of guessing
NEAR_SHARE = 0.005  # by which an accuracy may differ from the largest class's share


@once
def majority(facts: CurveFacts) -> Finding | None:
    """Report a network that answers with the largest class, whatever it sees."""
    late = slice(facts.count // 2, None)
    balanced = facts.curves.val_balanced_accuracy[late]
    if not facts.situation.uneven or facts.count < SEEN or not np.isfinite(balanced).all():
        return None
    share, images = facts.situation.guessing_accuracy, facts.situation.val_images or 5000
    accuracy, mean = float(facts.curves.val_accuracy[late].mean()), float(balanced.mean())
    near = max(NEAR_SHARE, CHANCE_BANDS * math.sqrt(share * (1 - share) / images))
    chance = 1 / max(1, sum(n > 0 for n in facts.situation.val_counts or [1] * 2))
    if abs(accuracy - share) > near or mean > chance + NEAR_CHANCE:
        return None
    return Finding(
        kind="majority",
        sentence=f"It answers with the largest class: over the last {len(balanced)} epochs "
        f"{percent(accuracy)} of the validation images are right, and always naming the largest "
        f"class gives {percent(share)}. The balanced accuracy is {percent(mean)}, that of guessing "
        f"{percent(chance)}.",
        span=EpochSpan(start=float(facts.curves.epoch[late][0]) - 1, end=facts.done,
                       panel=ACCURACY),
        evidence=(
            Reason(what="mean validation accuracy of the second half", value=percent(accuracy),
                   against=f"within {100 * near:.1f} points of {percent(share)}"),
            Reason(what="mean balanced accuracy", value=percent(mean),
                   against=f"at most {percent(chance + NEAR_CHANCE)}"),
        ),
        strength=math.inf,
        trials=advice.every_class(facts.situation.settings),
    )  # fmt: skip


def uneven(facts: CurveFacts) -> Finding | None:
    """Report classes of very different size, with figures that give each the same weight."""
    best = facts.curves.best
    if not facts.situation.uneven or best is None or majority(facts):
        return None
    guess, curves = facts.situation.guessing_accuracy, facts.curves
    balanced, f1 = curves.val_balanced_accuracy[best], curves.val_macro_f1[best]
    figures = (
        f"; the balanced accuracy is {percent(balanced)} and the macro F1 {percent(f1)}"
        if np.isfinite([balanced, f1]).all()
        else ""
    )
    return Finding(
        kind="uneven",
        sentence=f"The classes are uneven: always naming the largest one would be right for "
        f"{percent(guess)} of the validation images. In the best epoch, {curves.epoch[best]:g}, "
        f"{percent(curves.val_accuracy[best])} are right{figures}.",
        span=EpochSpan(start=0.0, end=facts.done, panel=ACCURACY),
        evidence=(
            Reason(what="share of the largest class in validation", value=f"{percent(guess)}",
                   against=f"{percent(1 / facts.situation.classes)} if all were equal"),
        ),
        strength=math.inf,
    )  # fmt: skip
