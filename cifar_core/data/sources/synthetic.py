"""Images drawn by the program: ten kinds of objects on textured backgrounds, their masks known.

A newcomer can train on them at once, with no download, and an explanation can be compared with
the truth: where the object really is. Only the shape depends on the class, not the color.

At another size than 32 pixels, the same objects are drawn at that size; from 64 pixels on they have
details that a smaller view loses (`details.py`).
"""

import re
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifar_core.data import cache
from cifar_core.data.cache import cached, reserved
from cifar_core.data.dataset import Dataset, fingerprint
from cifar_core.data.sizing import USUAL, Sizing
from cifar_core.data.sizing.fits import CROP
from cifar_core.data.sources.drawing import draw
from cifar_core.data.sources.shapes import SHAPES

TRAIN_IMAGES = 10_000
MOST = 50_000  # training images, as many as CIFAR-10 has: about 0.25 GB on the disk
SEED = 20
DRAWING = 2  # part of the cache's key: raise it when the same seed would draw other images
NAME = "synthetic"  # of the folder in the cache
TITLE = "Synthetic shapes"
NOTE = (
    "These images are drawn by the program, not photographs: "
    "accuracies on them say nothing about CIFAR-10."
)


def is_source(source: str) -> bool:
    """Return True if a source names these images: 'synthetic', or 'synthetic:500' for fewer."""
    return re.fullmatch(r"synthetic(:[1-9][0-9]{0,5})?", source) is not None


def number_of(source: str) -> int:
    """Return how many training images a source names."""
    return int(source.partition(":")[2] or TRAIN_IMAGES)


def per_class_of(source: str) -> int:
    """Return how many training images of each class a source names."""
    return max(2, round(number_of(source) / len(SHAPES)))


def sizes_of(source: str) -> tuple[int, int]:
    """Return how many training and test images a source names."""
    per_class = per_class_of(source)
    return per_class * len(SHAPES), max(1, per_class // 5) * len(SHAPES)


def load(source: str, store: Path, sizing: Sizing = USUAL) -> Dataset:
    """Open the images, drawing them the first time.

    'synthetic:500' has 500 training images; there are always a fifth as many test images.
    """
    square = replace(sizing, fit=CROP)  # they are square, so that all ways give the same
    at_32 = "" if square == USUAL else load(source, store).fingerprint
    known = identity(source, square)
    build = partial(drawn, source, square, cache.folder_of(store, NAME, known), at_32)
    return cached(store, NAME, known, build, square)


def kept(source: str, store: Path, sizing: Sizing = USUAL) -> Dataset | None:
    """Open the images if they were drawn before."""
    return cache.kept(store, NAME, identity(source, replace(sizing, fit=CROP)))


def identity(source: str, sizing: Sizing) -> list[int]:
    """Return values that differ for other images."""
    size = [] if sizing == USUAL else [sizing.side, sizing.stored]
    return [DRAWING, SEED, per_class_of(source), *size]


def drawn(source: str, sizing: Sizing, folder: Path, fingerprint_at_32: str) -> Dataset:
    """Draw the whole dataset: the same images on every machine with the same numpy.

    The arrays are written where they will be kept, so that memory does not grow with them.
    """

    def file(part: str, name: str, shape: tuple[int, ...], dtype: type[np.generic]) -> NDArray[Any]:
        return reserved(cache.draft_of(folder) / f"{part}_{name}.npy", shape, dtype)

    per_class = per_class_of(source)
    train, train_masks = draw(per_class, SEED, sizing.stored, partial(file, "train"))
    test, test_masks = draw(max(1, per_class // 5), SEED + 1, sizing.stored, partial(file, "test"))
    classes = tuple(SHAPES)
    return Dataset(
        kind="synthetic",
        title=TITLE if source == "synthetic" else f"{TITLE}, {len(train):,} images",
        source=source,
        classes=classes,
        train=train,
        test=test,
        fingerprint=fingerprint(classes, (train, test)),
        note=NOTE,
        train_masks=train_masks,
        test_masks=test_masks,
        fingerprint_at_32=fingerprint_at_32,
    )
