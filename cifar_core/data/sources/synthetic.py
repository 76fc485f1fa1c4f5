"""Images drawn by the program: ten kinds of objects on textured backgrounds, their masks known.

A newcomer can train on them at once, with no download, and an explanation can be compared with
the truth: where the object really is. Only the shape depends on the class, not the color.
"""

import re
from pathlib import Path

from cifar_core.data import cache
from cifar_core.data.cache import cached
from cifar_core.data.dataset import Dataset, fingerprint
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


def load(source: str, store: Path) -> Dataset:
    """Open the images, drawing them the first time.

    'synthetic:500' has 500 training images; there are always a fifth as many test images.
    """
    per_class = per_class_of(source)
    return cached(store, NAME, identity(source), lambda: build(source, per_class))


def kept(source: str, store: Path) -> Dataset | None:
    """Open the images if they were drawn before."""
    return cache.kept(store, NAME, identity(source))


def identity(source: str) -> list[int]:
    """Return values that differ for other images."""
    return [DRAWING, SEED, per_class_of(source)]


def build(source: str, per_class: int) -> Dataset:
    """Draw the whole dataset: the same images on every machine with the same numpy."""
    train, train_masks = draw(per_class, SEED)
    test, test_masks = draw(max(1, per_class // 5), SEED + 1)
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
    )
