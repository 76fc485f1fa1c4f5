"""How unevenly images are spread over classes, and what guessing alone would reach."""

import math
from collections.abc import Sequence

from cifar_core.numbers import percent

UNEVEN = 2.0  # times the smallest class that the largest has, from which accuracy misleads


def are_uneven(counts: Sequence[int]) -> bool:
    """Return True if the largest class has at least twice the images of the smallest.

    `counts` are images of each class; without counts, or with fewer than two classes, False.
    """
    return len(counts) > 1 and max(counts) > 0 and max(counts) >= UNEVEN * min(counts)


def majority_share(counts: Sequence[int]) -> float:
    """Return the accuracy in [0, 1] of always naming the largest class; 0 without images."""
    return max(counts, default=0) / max(1, sum(counts))


def guessing_loss(counts: Sequence[float]) -> float:
    """Return the lowest mean loss in nats without looking at the images: the shares' entropy.

    For K classes of equal size it is ln K.
    """
    total = sum(counts)
    return -sum(n / total * math.log(n / total) for n in counts if n)


def uneven_words(
    counts: Sequence[int],
    part: str,
    balanced: float | None,
    macro_f1: float | None,
    accuracy: float | None = None,
) -> str:
    """Return what to read beside an accuracy if classes are uneven; empty if they are not.

    `counts` are the images of each class in the part that was measured, and `part` is its name;
    the balanced accuracy, the macro F1 and the accuracy are in [0, 1], None if they were not
    measured or are not to be judged. An accuracy below the largest class's share is said to be so.
    """
    if not are_uneven(counts):
        return ""
    words = (
        "The classes are uneven: always naming the largest one would be right for "
        f"{percent(majority_share(counts))} of the {part} images"
    )
    if accuracy is not None and accuracy < majority_share(counts):
        words += f"; with {percent(accuracy)} right, the network is worse than that"
    if balanced is None or macro_f1 is None:
        return f"{words}."
    return (
        f"{words}. The balanced accuracy is {percent(balanced)}, the macro F1 {percent(macro_f1)}."
    )
