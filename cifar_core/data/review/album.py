"""A set of images as a person browses it: each with its part, class, name and original size."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cifar_core.data.contents import PARTS, PartOfSet
from cifar_core.data.dataset import CHUNK, Dataset

Indices = NDArray[np.int64]
TITLES: dict[PartOfSet, str] = {"train": "Training", "val": "Validation", "test": "Test"}


@dataclass(frozen=True, kw_only=True)
class Album:
    """Every image of a set under one number: the training images first, then the test images.

    `parts` are uint8 [N], indices into PARTS, and `labels` int64 [N], indices into the classes.
    `sizes` are int32 [N, 2], width and height in pixels before scaling, and `is_gray` bool [N]
    says which files have one channel; None if unknown. `names` are the N names of the files,
    relative to the source; empty if unknown.
    """

    dataset: Dataset
    parts: NDArray[np.uint8]
    labels: NDArray[np.int64]
    sizes: NDArray[np.int32] | None = None
    is_gray: NDArray[np.bool_] | None = None
    names: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes."""
        return self.dataset.classes

    @property
    def present(self) -> list[PartOfSet]:
        """The parts that have images."""
        return [part for number, part in enumerate(PARTS) if np.any(self.parts == number)]

    def in_part(self, part: PartOfSet) -> NDArray[np.bool_]:
        """Return a mask [N] of the images of a part."""
        return self.parts == PARTS.index(part)

    def pixels(self, indices: Indices) -> NDArray[np.uint8]:
        """Return the images [M, side, side, 3] of some numbers, in their order."""
        train = self.dataset.train
        first = train.pixels if len(train) else self.dataset.test.pixels
        out = np.empty((len(indices), *first.shape[1:]), np.uint8)
        for place, index in enumerate(indices.tolist()):
            images, inside = self.place(index)
            out[place] = images[inside]
        return out

    def place(self, index: int) -> tuple[NDArray[np.uint8], int]:
        """Return the array that holds an image, and its place there."""
        behind = index - len(self.dataset.train)
        if behind < 0:
            return self.dataset.train.pixels, index
        return self.dataset.test.pixels, behind

    def part(self, index: int) -> PartOfSet:
        """Return the part of an image."""
        return PARTS[self.parts[index]]

    def label(self, index: int) -> str:
        """Return the name of an image's class."""
        return self.classes[self.labels[index]]

    def name(self, index: int) -> str:
        """Return the name of an image's file, or its number in its part where it has none."""
        if self.names:
            return self.names[index]
        return f"{TITLES[self.part(index)]} image {self.place(index)[1]:,}"


def album_of(
    dataset: Dataset,
    *,
    sizes: NDArray[np.int32] | None = None,
    is_gray: NDArray[np.bool_] | None = None,
    names: Sequence[str] = (),
) -> Album:
    """Return a set as an album; what has another length than the set is of no use."""
    train, test = dataset.train, dataset.test
    parts = np.full(len(train) + len(test), PARTS.index("test"), np.uint8)
    parts[: len(train)] = PARTS.index("train")
    if train.kept_back is not None:
        parts[train.kept_back] = PARTS.index("val")
    return Album(
        dataset=dataset,
        parts=parts,
        labels=np.concatenate([train.labels, test.labels]),
        sizes=sizes if sizes is not None and len(sizes) == len(parts) else None,
        is_gray=is_gray if is_gray is not None and len(is_gray) == len(parts) else None,
        names=names if len(names) == len(parts) else (),
    )


def gray(album: Album) -> NDArray[np.bool_]:
    """Return a mask [N] of the gray images: by their files, else by three equal channels."""
    if album.is_gray is not None:
        return album.is_gray
    found = []
    for images in (album.dataset.train, album.dataset.test):
        for start in range(0, len(images), CHUNK):
            red, green, blue = np.moveaxis(images.pixels[start : start + CHUNK], -1, 0)
            found.append(((red == green) & (green == blue)).all(axis=(1, 2)))
    return np.concatenate(found) if found else np.zeros(0, np.bool_)


def sample(album: Album, among: NDArray[np.bool_], count: int, seed: int) -> Indices:
    """Choose images of a mask [N], about equally many of each class, sorted by class.

    Another `seed` chooses others; the same one always the same.
    """
    generator = np.random.default_rng(seed)
    candidates = generator.permutation(np.flatnonzero(among))
    labels = album.labels[candidates]
    order = np.argsort(labels, kind="stable")
    starts = np.concatenate([[0], np.flatnonzero(np.diff(labels[order])) + 1])
    rounds = np.empty(len(order), np.int64)  # the place of each among the candidates of its class
    rounds[order] = (
        np.arange(len(order)) - np.repeat(starts, np.diff(np.append(starts, len(order))))
        if len(order)
        else 0
    )
    # of the last round not all fit: which classes have one more is drawn too
    chosen = candidates[np.lexsort((generator.permutation(len(candidates)), rounds))[:count]]
    return chosen[np.argsort(album.labels[chosen], kind="stable")]
