"""A dataset: images, their labels, and a sentence about their origin."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIZE = 32  # pixels a side of the images that a set is looked at with, and of many data sets
CHUNK = 4096  # images at a time where all of them are processed
Read = Callable[[NDArray[np.uint8]], Iterator[NDArray[np.uint8]]]


@dataclass(frozen=True, kw_only=True)
class Images:
    """Images and their labels.

    `pixels` are uint8 [N, S, S, 3], RGB, perhaps a read-only memory map: what a network sees;
    `labels` are int64 [N], indices into the dataset's classes. `kept_back` are the sorted indices
    [V] of the images that the dataset itself names as validation images; None if it names none.
    `wider` are the same images [N, W, W, 3] with more around, from which random crops are taken,
    and of which `pixels` are the centers; None if nothing more is kept.
    """

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]
    kept_back: NDArray[np.int64] | None = None
    wider: NDArray[np.uint8] | None = None

    @property
    def kept(self) -> NDArray[np.uint8]:
        """The images with everything that is kept around them: `wider`, or else `pixels`."""
        return self.pixels if self.wider is None else self.wider

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """The images for training and testing.

    `source` is the value for config.data; `fingerprint` is the same on every machine that has
    the same decoded images, regardless of their file format.
    """

    kind: str  # "synthetic", "cifar10", "published" or "folder"
    title: str
    source: str
    classes: tuple[str, ...]
    train: Images
    test: Images
    fingerprint: str  # sha256, hexadecimal
    note: str  # one sentence for the pages, about their origin
    train_masks: NDArray[np.bool_] | None = None  # [N, S, S], True on the object, if known
    test_masks: NDArray[np.bool_] | None = None
    # of the same images at 32 pixels, by which runs at several sizes are known to be of one set
    fingerprint_at_32: str = ""  # "" if these are they

    @property
    def usual_fingerprint(self) -> str:
        """The fingerprint of the same images at 32 pixels, which is equal at all sizes."""
        return self.fingerprint_at_32 or self.fingerprint


def chunks(pixels: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    """Yield images [n, H, W, 3] a few thousand at a time."""
    for start in range(0, len(pixels), CHUNK):
        yield pixels[start : start + CHUNK]


def fingerprint(classes: Sequence[str], parts: Sequence[Images], read: Read = chunks) -> str:
    """Return the sha256 of class names, pixels and labels, 64 hexadecimal digits.

    Which images the set keeps back for validation counts too, where it names any.
    """
    digest = hashlib.sha256(json.dumps(list(classes)).encode())
    for part in parts:
        digest.update(b"%d images" % len(part))
        for some in read(part.pixels):
            digest.update(np.ascontiguousarray(some).data)
        digest.update(part.labels.astype("<i8").tobytes())
        if part.kept_back is not None:
            digest.update(b"%d kept back" % len(part.kept_back))
            digest.update(part.kept_back.astype("<i8").tobytes())
    return digest.hexdigest()


def counts(labels: NDArray[np.int64], classes: Sequence[Any]) -> list[int]:
    """Return the number of images of each class."""
    return [int(n) for n in np.bincount(labels, minlength=len(classes))]
