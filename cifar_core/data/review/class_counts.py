"""How many images each class has, and how uneven that is."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cifar_core.data.contents import PARTS, PartOfSet
from cifar_core.data.review.album import Album

Counts = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class ClassCounts:
    """The images of each of K classes, by part; `by_part` maps a part to its counts [K]."""

    classes: tuple[str, ...]
    by_part: dict[PartOfSet, Counts]

    @property
    def totals(self) -> Counts:
        """The images [K] of each class in all parts together."""
        return sum(self.by_part.values(), np.zeros(len(self.classes), np.int64))

    @property
    def shares(self) -> NDArray[np.float64]:
        """The share [K] of each class in all images, in [0, 1]."""
        return self.totals / max(1, int(self.totals.sum()))

    @property
    def largest(self) -> int:
        """The class with the most images, the first of several."""
        return int(np.argmax(self.totals))

    @property
    def smallest(self) -> int:
        """The class with the fewest images, the first of several."""
        return int(np.argmin(self.totals))

    @property
    def majority_share(self) -> float:
        """The share of the largest class: the accuracy of an answer that is always the same."""
        return float(self.shares[self.largest])

    @property
    def imbalance(self) -> float:
        """How many times the images of the smallest the largest class has; infinite beside 0."""
        most, fewest = (int(self.totals[i]) for i in (self.largest, self.smallest))
        return most / fewest if fewest else float("inf")


def class_counts(album: Album) -> ClassCounts:
    """Count the images of each class, in the parts that there are."""
    joint = np.bincount(
        album.parts.astype(np.int64) * len(album.classes) + album.labels,
        minlength=len(PARTS) * len(album.classes),
    ).reshape(len(PARTS), -1)
    by_part = {part: joint[PARTS.index(part)] for part in album.present}
    return ClassCounts(classes=album.classes, by_part=by_part)
