"""Can these images be trusted? One sentence from what is known about a set."""

from dataclasses import dataclass

from cifar_core.data.review.class_counts import ClassCounts
from cifar_core.numbers import counted, percent

EVEN = 1.05  # largest class / smallest class up to which classes are called equal
DOMINANT = 0.75  # share of the images from which the largest class is named
FEW = 20  # images of a class; a network can hardly be trained, or tested, with fewer


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known about a set; None where it was not computed."""

    counts: ClassCounts
    unreadable: int = 0  # pictures that were left out
    ignored: int = 0  # other files that were left out
    leaked: int | None = None  # test images that are also training or validation images
    nearly: int | None = None  # further test images that nearly equal one of those
    conflicting: int | None = None  # images that are in two classes


def trust(facts: Facts) -> str:
    """Say how many images there are, how even the classes, and what is wrong with them."""
    counts = facts.counts
    images = int(counts.totals.sum())
    size = f"{counted(images, 'image')} of {classes_of(len(counts.classes))}"
    return "; ".join(filter(None, [size, balance(counts), *faults(facts)])) + "."


def balance(counts: ClassCounts) -> str:
    """Say how even the classes are; empty for a single class."""
    if len(counts.classes) < 2 or not counts.totals.any():
        return ""
    fewest = int(counts.totals[counts.smallest])
    if counts.majority_share >= DOMINANT:
        said = f"{percent(counts.majority_share)} are {counts.classes[counts.largest]}"
    elif counts.imbalance <= EVEN:
        said = "the same number of each" if counts.imbalance == 1 else "about as many of each"
    elif not fewest:
        said = f"{counts.classes[counts.smallest]} has none"
    else:
        said = f"the largest is {counts.imbalance:.2g} times the smallest"
        if counts.imbalance >= 100:
            said = f"the largest is {counts.imbalance:,.0f} times the smallest"
    few = f", the smallest has only {fewest}" if 0 < fewest < FEW else ""
    return said + few


def faults(facts: Facts) -> list[str]:
    """Say what was left out, and which images make an accuracy look better than it is."""
    left_out = facts.unreadable + facts.ignored
    return [*left_words(left_out), *twice(facts.leaked, facts.nearly, facts.conflicting)]


def left_words(left_out: int) -> list[str]:
    """Say how many files were left out; nothing if none was."""
    return [f"{counted(left_out, 'file')} {were(left_out)} left out"] if left_out else []


def twice(leaked: int | None, nearly: int | None, conflicting: int | None) -> list[str]:
    """Say which images are in a set twice where that matters, the worst first."""
    also = "a training image" if leaked == 1 else "training images"
    said = {
        f"{counted(leaked or 0, 'test image')} {are(leaked)} also {also}": leaked,
        f"{counted(nearly or 0, 'test image')} {are(nearly)} nearly a training image": nearly,
        f"{counted(conflicting or 0, 'image')} {are(conflicting)} in two classes": conflicting,
    }
    return [words for words, number in said.items() if number]


def classes_of(count: int) -> str:
    """Write a number of classes."""
    return "1 class" if count == 1 else f"{count:,} classes"


def were(count: int) -> str:
    """Return the verb of the past for a count."""
    return "was" if count == 1 else "were"


def are(count: int | None) -> str:
    """Return the verb of the present for a count."""
    return "is" if count == 1 else "are"
