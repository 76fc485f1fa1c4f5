"""Draws the synthetic images, many at once.

Every image takes its random numbers in turn, and they decide what is in it; then the pixels of a
whole batch are computed together. The images are byte for byte those of the version that drew
them one by one.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cifar_core.data.dataset import Images
from cifar_core.data.sources.shapes import SHAPES, Floats

SIDE, FINE = 32, 2  # pixels, and samples of each pixel per axis, which smooth the outlines
BATCH = 128  # images computed together
WAVES = 18  # random numbers of a texture: angles, lengths, phases and nine tints of three waves
WINDOW = 17  # pixels, that no stroke exceeds
STROKE = 7  # random numbers of a stroke: row, column, angle, length and color
CLEAR = 0.55  # least distance between the colors of object and background
BRIGHTEST = 255
LINE = np.arange(SIDE, dtype=np.float64)
FINE_LINE = (np.arange(SIDE * FINE) + 0.5) / FINE


@dataclass(frozen=True, kw_only=True)
class Chances:
    """The random numbers of a batch of images, all that differs between two of one class."""

    base: Floats  # [N, 3], the background's color
    texture: Floats  # [N, 18], the background's
    color: Floats  # [N, 3]
    outline: Floats  # [N, 5]: radius, row, column, angle, stretch
    strokes: Floats  # [S, 7], those of one image after those of another
    owners: npt.NDArray[np.int64]  # [S], the stroke's image in the batch
    shading: Floats  # [N, 18], the object's texture
    noise: Floats  # [N, 32, 96]


def draw(per_class: int, seed: int) -> tuple[Images, npt.NDArray[np.bool_]]:
    """Draw this many images of every class in mixed order; return them and masks [N, 32, 32]."""
    random = np.random.default_rng(seed)
    labels = random.permutation(np.repeat(np.arange(len(SHAPES)), per_class))
    pixels = np.empty((len(labels), SIDE, SIDE, 3), np.uint8)
    masks = np.empty((len(labels), SIDE, SIDE), np.bool_)
    for start in range(0, len(labels), BATCH):
        part = slice(start, start + BATCH)
        chances = take(len(labels[part]), random)
        pixels[part], masks[part] = pictures(labels[part], chances)
    return Images(pixels=pixels, labels=labels.astype(np.int64)), masks


def take(count: int, random: np.random.Generator) -> Chances:
    """Take the random numbers of a batch, image by image."""
    ground, color = np.empty((count, 3 + WAVES)), np.empty((count, 3))
    outline, shading = np.empty((count, 5)), np.empty((count, WAVES))
    noise = np.empty((count, SIDE, SIDE * 3))
    strokes, owners = [], []
    for image in range(count):
        random.random(out=ground[image])
        color[image] = contrasting(ground[image, :3].tolist(), random)
        radius = (0.28 + (0.44 - 0.28) * random.random()) * SIDE
        low, high = radius * 0.8, SIDE - radius * 0.8
        row, column = low + (high - low) * random.random(), low + (high - low) * random.random()
        angle, stretch = 0.3 * random.standard_normal(), 0.85 + (1.15 - 0.85) * random.random()
        outline[image] = radius, row, column, angle, stretch
        count_of_strokes = int(random.integers(1, 5))
        rest = random.random(STROKE * count_of_strokes + WAVES)
        strokes.append(rest[:-WAVES].reshape(-1, STROKE))
        owners += [image] * count_of_strokes
        shading[image] = rest[-WAVES:]
        random.standard_normal(out=noise[image])
    return Chances(
        base=0.15 + 0.7 * ground[:, :3],
        texture=ground[:, 3:],
        color=color,
        outline=outline,
        strokes=np.concatenate(strokes),
        owners=np.array(owners),
        shading=shading,
        noise=noise,
    )


def contrasting(chances: list[float], random: np.random.Generator) -> list[float]:
    """Return a random color that is clearly different from the background's."""
    red, green, blue = (0.15 + 0.7 * chance for chance in chances)
    while True:
        color = r, g, b = random.random(), random.random(), random.random()
        if math.sqrt((r - red) ** 2 + (g - green) ** 2 + (b - blue) ** 2) > CLEAR:
            return list(color)


def pictures(
    labels: npt.NDArray[np.int64], chances: Chances
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]]:
    """Compute the images of a batch, each an object on a background, and the objects' masks."""
    count = len(labels)
    image = textures(BRIGHTEST * chances.base, BRIGHTEST, chances.texture)
    distract(image.reshape(count, SIDE, SIDE, 3), chances)
    coverage = outlines(labels, chances.outline)
    objects = textures(BRIGHTEST * chances.color, 0.5 * BRIGHTEST, chances.shading)
    objects -= image
    objects *= np.repeat(coverage, 3, axis=2)
    image += objects
    np.multiply(chances.noise, 0.03 * BRIGHTEST, out=objects)
    image += objects
    np.clip(image, 0, BRIGHTEST, out=image)
    return image.astype(np.uint8).reshape(count, SIDE, SIDE, 3), coverage > 0.5


def textures(colors: Floats, contrast: float, chances: Floats) -> Floats:
    """Return a color and three waves of random direction, length and tint: [N, 32, 96].

    The sine of a sum is split, so that sines are needed of rows and columns, not of pixels.
    """
    angles, lengths, phases = math.pi * chances[:, :3], 5 + 33 * chances[:, 3:6], chances[:, 6:9]
    tints = contrast * (-0.1 + 0.2 * chances[:, 9:].reshape(-1, 3, 3))  # [N, wave, color]
    down = 2 * math.pi * ((np.sin(angles) / lengths)[..., None] * LINE + phases[..., None])
    along = 2 * math.pi * ((np.cos(angles) / lengths)[..., None] * LINE)  # [N, 3, 32]
    rows, columns = np.ones((len(chances), 7, SIDE)), np.empty((len(chances), 7, SIDE * 3))
    np.sin(down, out=rows[:, :3])
    np.cos(down, out=rows[:, 3:6])
    tints = np.tile(tints, (1, 1, SIDE))  # [N, 3, 96]
    np.multiply(np.repeat(np.cos(along), 3, axis=2), tints, out=columns[:, :3])
    np.multiply(np.repeat(np.sin(along), 3, axis=2), tints, out=columns[:, 3:6])
    columns[:, 6] = np.tile(colors, SIDE)
    result: Floats = rows.swapaxes(1, 2) @ columns
    return result


def distract(backgrounds: Floats, chances: Chances) -> None:
    """Draw a few short strokes of other colors behind the object, each within a window."""
    place, angles = chances.strokes[:, :2] * SIDE, math.pi * chances.strokes[:, 2]
    long = (2 + 5 * chances.strokes[:, 3])[:, None, None]
    cos, sin = np.cos(angles)[:, None], np.sin(angles)[:, None]
    corner = np.clip(place.astype(np.int64) - WINDOW // 2, 0, SIDE - WINDOW)  # [S, 2]
    rows, columns = (corner[:, [axis]] + np.arange(WINDOW) - place[:, [axis]] for axis in (0, 1))
    along = (rows * sin)[:, :, None] + (columns * cos)[:, None]
    across = (rows * cos)[:, :, None] - (columns * sin)[:, None]
    stroke, row, column = np.nonzero((np.abs(along) < long) & (np.abs(across) < 1.0))
    row, column = row + corner[stroke, 0], column + corner[stroke, 1]
    color = BRIGHTEST * chances.strokes[stroke, 4:]
    backgrounds[chances.owners[stroke], row, column] = color  # where two meet, the last one stays


def outlines(labels: npt.NDArray[np.int64], chances: Floats) -> Floats:
    """Return how much of each pixel the objects cover, 0 to 1: [N, 32, 32]."""
    inside = np.empty((len(labels), SIDE * FINE, SIDE * FINE), np.bool_)
    for label, shape in enumerate(SHAPES.values()):
        these = np.flatnonzero(labels == label)
        if these.size:
            inside[these] = shape(*placed(chances[these])) > 0
    samples = inside.view(np.uint8).reshape(-1, SIDE, FINE, SIDE, FINE)
    whole = samples[:, :, 0] + samples[:, :, 1]  # [N, 32, 32, 2]
    covered: Floats = (whole[..., 0] + whole[..., 1]) / FINE**2
    return covered


def placed(chances: Floats) -> tuple[Floats, Floats]:
    """Return where every sample lies for objects of these places, sizes and angles: [N, 64, 64]."""
    radius, row, column, angle, stretch = chances.T[..., None]  # each [N, 1]
    dy, dx = (FINE_LINE - row) / radius, (FINE_LINE - column) / radius  # [N, 64]
    cos, sin = np.cos(angle), np.sin(angle)
    x = (stretch * dy * sin)[:, :, None] + (stretch * dx * cos)[:, None]
    y = (dy * cos / stretch)[:, :, None] - (dx * sin / stretch)[:, None]
    return x, y
