"""What a dataset is: pictures, their labels, and an honest sentence about where they come from."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIZE = 32  # pixels; every image is SIZE x SIZE
CHUNK = 4096  # images at a time where all of them are passed through


@dataclass(frozen=True, kw_only=True)
class Images:
    """Pictures and what they show.

    `pixels` are uint8 [N, 32, 32, 3], red green blue, perhaps a read-only memory map;
    `labels` are int64 [N], indices into the dataset's classes.
    """

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """Everything there is to learn from and to be tested on.

    `source` is what goes into config.data; `fingerprint` is the same on every machine that
    has the same decoded images, whatever they were packed in.
    """

    kind: str  # "synthetic", "cifar10" or "folder"
    title: str
    source: str
    classes: tuple[str, ...]
    train: Images
    test: Images
    fingerprint: str  # sha256, hexadecimal
    note: str  # one honest sentence for the pages
    train_masks: NDArray[np.bool_] | None = None  # [N, 32, 32], where the object is, if known
    test_masks: NDArray[np.bool_] | None = None


def fingerprint(classes: Sequence[str], parts: Sequence[Images]) -> str:
    """Return the sha256 of class names, pixels and labels, 64 hexadecimal digits."""
    digest = hashlib.sha256(json.dumps(list(classes)).encode())
    for part in parts:
        digest.update(b"%d images" % len(part))
        for start in range(0, len(part), CHUNK):
            digest.update(part.pixels[start : start + CHUNK].tobytes())
        digest.update(part.labels.astype("<i8").tobytes())
    return digest.hexdigest()


def counts(labels: NDArray[np.int64], classes: Sequence[Any]) -> list[int]:
    """Return how many images each class has."""
    return [int(n) for n in np.bincount(labels, minlength=len(classes))]
