"""What duplicates mean for a set: images in two parts, under two classes, or simply twice."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from cifar_core.data.contents import PARTS
from cifar_core.data.review.album import Album, Indices

Kind = Literal["leaks", "classes", "exact", "near"]
KINDS: dict[Kind, str] = {
    "leaks": "In two parts",
    "classes": "In two classes",
    "exact": "Identical",
    "near": "Nearly identical",
}


@dataclass(frozen=True, kw_only=True)
class Group:
    """Images that are alike, by their numbers in the album."""

    images: Indices  # at least two, in order
    is_exact: bool  # the same pixels
    parts: int  # how many parts they are in
    classes: int  # how many classes they are in

    def is_a(self, kind: Kind) -> bool:
        """Whether the group is one of a kind; a group may be of several."""
        return {
            "leaks": self.parts > 1,
            "classes": self.is_exact and self.classes > 1,
            "exact": self.is_exact,
            "near": not self.is_exact,
        }[kind]


@dataclass(frozen=True, kw_only=True)
class Findings:
    """All groups of a set, those with most at stake first."""

    groups: tuple[Group, ...]
    leaked: int  # test images with the same pixels as a training or validation image
    nearly: int  # further test images that nearly equal one
    conflicting: int  # images with the same pixels as one of another class

    def of(self, kind: Kind) -> list[Group]:
        """Return the groups of a kind."""
        return [group for group in self.groups if group.is_a(kind)]

    def images(self, kind: Kind) -> int:
        """Count the images in the groups of a kind, each once."""
        return len({index for group in self.of(kind) for index in group.images.tolist()})


def findings(
    album: Album, exact: Sequence[Sequence[int]], near: Sequence[Sequence[int]]
) -> Findings:
    """Say what groups of alike images mean; each group lists numbers in the album."""
    groups = [
        *(group_of(album, images, is_exact=True) for images in exact),
        *(group_of(album, images, is_exact=False) for images in near),
    ]
    test = album.parts == PARTS.index("test")
    leaked, nearly, conflicting = (np.zeros(len(album), np.bool_) for _ in range(3))
    for group in groups:
        if group.parts > 1:
            tested = group.images[test[group.images]]
            if len(tested) < len(group.images):
                (leaked if group.is_exact else nearly)[tested] = True
        if group.is_exact and group.classes > 1:
            conflicting[group.images] = True
    groups.sort(key=lambda one: (one.parts < 2, one.classes < 2, not one.is_exact))
    return Findings(
        groups=tuple(groups),
        leaked=int(leaked.sum()),
        nearly=int((nearly & ~leaked).sum()),
        conflicting=int(conflicting.sum()),
    )


def group_of(album: Album, images: Sequence[int], *, is_exact: bool) -> Group:
    """Return a group of numbers in the album."""
    numbers = np.sort(np.array(images, np.int64))
    return Group(
        images=numbers,
        is_exact=is_exact,
        parts=len(np.unique(album.parts[numbers])),
        classes=len(np.unique(album.labels[numbers])),
    )
