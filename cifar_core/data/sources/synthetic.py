"""Images drawn by the program: ten kinds of objects on textured backgrounds, their masks known.

A newcomer can train on them at once, with no download, and an explanation can be compared with
the truth: where the object really is. Only the shape depends on the class, not the color.
"""

import math
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from cifar_core.data.cache import cached
from cifar_core.data.dataset import Dataset, Images, fingerprint

SIDE, FINE = 32, 2  # pixels, and samples of each pixel per axis, which smooth the outlines
TRAIN_IMAGES = 10_000
MOST = 50_000  # training images, as many as CIFAR-10 has: about 0.25 GB on the disk
SEED = 20
DRAWING = 2  # part of the cache's key: raise it when the same seed would draw other images
TITLE = "Synthetic shapes"
NOTE = (
    "These images are drawn by the program, not photographs: "
    "accuracies on them say nothing about CIFAR-10."
)
Floats = npt.NDArray[np.float64]
ROWS, COLUMNS = np.mgrid[0:SIDE, 0:SIDE].astype(np.float64)
Shape = Callable[[Floats, Floats], Floats]  # x, y in about [-1, 1] -> inside where positive


def polygon(corners: int) -> Shape:
    """Return a regular polygon with the given number of corners."""

    def inside(x: Floats, y: Floats) -> Floats:
        sector = 2 * math.pi / corners
        angle = np.mod(np.arctan2(x, -y) + sector / 2, sector) - sector / 2
        edge: Floats = 0.9 * math.cos(sector / 2) - np.hypot(x, y) * np.cos(angle)
        return edge

    return inside


def disc(x: Floats, y: Floats) -> Floats:
    """Return a filled circle."""
    return 0.8 - np.hypot(x, y)


def ring(x: Floats, y: Floats) -> Floats:
    """Return a circle with a hole."""
    return 0.2 - np.abs(np.hypot(x, y) - 0.65)


def star(x: Floats, y: Floats) -> Floats:
    """Return a star of five points."""
    angle = np.arctan2(x, -y)
    wave = np.abs(np.mod(angle * 5 / (2 * math.pi) + 0.5, 1) - 0.5) * 2
    return 1.0 - 0.58 * wave - np.hypot(x, y)


def cross(x: Floats, y: Floats) -> Floats:
    """Return a plus sign."""
    arms = np.minimum(np.abs(x), np.abs(y))
    return np.minimum(0.24 - arms, 0.9 - np.maximum(np.abs(x), np.abs(y)))


def crescent(x: Floats, y: Floats) -> Floats:
    """Return a moon."""
    return np.minimum(0.85 - np.hypot(x, y), np.hypot(x - 0.42, y) - 0.62)


def heart(x: Floats, y: Floats) -> Floats:
    """Return a heart."""
    x, y = 1.25 * x, -1.25 * y + 0.1
    return x**2 * y**3 - (x**2 + y**2 - 0.75) ** 3


def arrow(x: Floats, y: Floats) -> Floats:
    """Return an arrow."""
    shaft = np.minimum(0.17 - np.abs(y), np.minimum(x + 0.9, 0.3 - x))
    head = np.minimum(x - 0.05, (0.9 - x) * 0.75 - np.abs(y))
    return np.maximum(shaft, head)


def hourglass(x: Floats, y: Floats) -> Floats:
    """Return two triangles that touch at their tips."""
    return np.minimum(0.8 - np.abs(y), np.abs(y) * 0.85 + 0.06 - np.abs(x))


SHAPES: dict[str, Shape] = {
    "arrow": arrow,
    "crescent": crescent,
    "cross": cross,
    "disc": disc,
    "heart": heart,
    "hourglass": hourglass,
    "ring": ring,
    "square": polygon(4),
    "star": star,
    "triangle": polygon(3),
}


def draw(per_class: int, seed: int) -> tuple[Images, npt.NDArray[np.bool_]]:
    """Draw this many images of every class in mixed order; return them and masks [N, 32, 32]."""
    random = np.random.default_rng(seed)
    labels = random.permutation(np.repeat(np.arange(len(SHAPES)), per_class))
    pixels = np.empty((len(labels), SIDE, SIDE, 3), np.uint8)
    masks = np.empty((len(labels), SIDE, SIDE), np.bool_)
    for index, label in enumerate(labels):
        pixels[index], masks[index] = picture(list(SHAPES.values())[label], random)
    return Images(pixels=pixels, labels=labels.astype(np.int64)), masks


def picture(
    shape: Shape, random: np.random.Generator
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]]:
    """Draw an object at a random position, size, angle and color; return the image and its mask."""
    base = random.uniform(0.15, 0.85, 3)
    background = base + texture(random)
    color = contrasting(base, random)
    coverage = blurred_outline(shape, random)  # [32, 32]
    distract(background, random)
    shading = color + 0.5 * texture(random)
    image = background * (1 - coverage[..., None]) + shading * coverage[..., None]
    image += random.normal(0, 0.03, image.shape)
    return (255 * np.clip(image, 0, 1)).astype(np.uint8), coverage > 0.5


def texture(random: np.random.Generator) -> Floats:
    """Return three waves of random direction, length and tint, about 0: [32, 32, 3]."""
    angles, lengths = random.uniform(0, math.pi, 3), random.uniform(5, 38, 3)  # pixels
    phases, tints = random.uniform(0, 1, 3), random.uniform(-0.1, 0.1, (3, 3))
    along = np.cos(angles) * COLUMNS[..., None] + np.sin(angles) * ROWS[..., None]
    waves: Floats = np.sin(2 * math.pi * (along / lengths + phases)) @ tints
    return waves


def contrasting(base: Floats, random: np.random.Generator) -> Floats:
    """Return a random color that is clearly different from the background's."""
    while True:
        color = random.uniform(0, 1, 3)
        if np.linalg.norm(color - base) > 0.55:
            return color


def blurred_outline(shape: Shape, random: np.random.Generator) -> Floats:
    """Return how much of each pixel the object covers, 0 to 1: [32, 32]."""
    radius = random.uniform(0.28, 0.44) * SIDE
    center = random.uniform(radius * 0.8, SIDE - radius * 0.8, 2)
    angle = random.normal(0, 0.3)
    stretch = random.uniform(0.85, 1.15)
    grid = (np.arange(SIDE * FINE) + 0.5) / FINE
    dy, dx = (grid - center[0])[:, None] / radius, (grid - center[1])[None, :] / radius
    x = stretch * (dx * math.cos(angle) + dy * math.sin(angle))
    y = (dy * math.cos(angle) - dx * math.sin(angle)) / stretch
    inside = shape(x, y) > 0
    covered: Floats = inside.reshape(SIDE, FINE, SIDE, FINE).mean(axis=(1, 3))
    return covered


def distract(background: Floats, random: np.random.Generator) -> None:
    """Draw a few short strokes of other colors behind the object."""
    for _ in range(random.integers(1, 5)):
        row, column = random.uniform(0, SIDE, 2)
        angle, long = random.uniform(0, math.pi), random.uniform(2, 7)
        along = (COLUMNS - column) * math.cos(angle) + (ROWS - row) * math.sin(angle)
        across = (ROWS - row) * math.cos(angle) - (COLUMNS - column) * math.sin(angle)
        background[(np.abs(along) < long) & (np.abs(across) < 1.0)] = random.uniform(0, 1, 3)


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
    return cached(store, "synthetic", [DRAWING, SEED, per_class], lambda: build(source, per_class))


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
