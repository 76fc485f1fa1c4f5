"""Draws the synthetic images, many at once.

Every image takes its random numbers in turn, and they decide what is in it; then the pixels of a
whole batch are computed together. The images at 32 pixels are byte for byte those of the version
that drew them one by one. All lengths are in units of a 32nd of an image's side, so that the same
random numbers give the same objects at every size.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from cifar_core.data.dataset import Images
from cifar_core.data.sources.details import DETAILED, hatching, take_details
from cifar_core.data.sources.shapes import SHAPES, Floats

SIDE, FINE = 32, 2  # units, and samples of each pixel per axis, which smooth the outlines
BATCH = 128  # images of 32 pixels computed together; fewer of larger ones
WAVES = 18  # random numbers of a texture: angles, lengths, phases and nine tints of three waves
WINDOW = 17  # units, that no stroke exceeds
STROKE = 7  # random numbers of a stroke: row, column, angle, length and color
CLEAR = 0.55  # least distance between the colors of object and background
BRIGHTEST = 255
# a name, a shape and a type of numbers -> an array to draw into
Room = Callable[[str, tuple[int, ...], type[np.generic]], npt.NDArray[Any]]


def in_memory(_name: str, shape: tuple[int, ...], dtype: type[np.generic]) -> npt.NDArray[Any]:
    """Return a new array in memory."""
    return np.empty(shape, dtype)


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
    noise: Floats  # [N, S, 3 S], of each pixel


def draw(
    per_class: int, seed: int, side: int = SIDE, room: Room = in_memory
) -> tuple[Images, npt.NDArray[np.bool_]]:
    """Draw this many images of every class in mixed order; return them and masks [N, S, S].

    They are drawn into arrays that `room` gives, called "pixels" and "masks".
    """
    random = np.random.default_rng(seed)
    more_noise, finer = np.random.default_rng([seed, side]), np.random.default_rng([seed, DETAILED])
    labels = random.permutation(np.repeat(np.arange(len(SHAPES)), per_class))
    pixels = room("pixels", (len(labels), side, side, 3), np.uint8)
    masks = room("masks", (len(labels), side, side), np.bool_)
    batch = max(1, BATCH * SIDE**2 // max(side, SIDE) ** 2)
    for start in range(0, len(labels), batch):
        part = slice(start, start + batch)
        chances = take(len(labels[part]), random)
        if side != SIDE:
            noise = more_noise.standard_normal((len(labels[part]), side, side * 3))
            chances = replace(chances, noise=noise)
        details = take_details(len(labels[part]), finer) if side >= DETAILED else None
        pixels[part], masks[part] = pictures(labels[part], chances, side, details)
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
    labels: npt.NDArray[np.int64], chances: Chances, side: int, details: Floats | None
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]]:
    """Compute the images of a batch, each an object on a background, and the objects' masks."""
    count = len(labels)
    image = textures(BRIGHTEST * chances.base, BRIGHTEST, chances.texture, side)
    distract(image.reshape(count, side, side, 3), chances)
    coverage = outlines(labels, chances.outline, side)
    objects = textures(BRIGHTEST * chances.color, 0.5 * BRIGHTEST, chances.shading, side)
    objects -= image
    objects *= np.repeat(coverage, 3, axis=2)
    image += objects
    if details is not None:
        finer = hatching(labels, coverage, details, line(side))
        image += np.repeat(BRIGHTEST * finer, 3, axis=2)
    np.multiply(chances.noise, 0.03 * BRIGHTEST, out=objects)
    image += objects
    np.clip(image, 0, BRIGHTEST, out=image)
    return image.astype(np.uint8).reshape(count, side, side, 3), coverage > 0.5


def line(side: int) -> Floats:
    """Return where the pixels of a row lie, in units from the first pixel of an image of 32."""
    return (np.arange(side, dtype=np.float64) + 0.5) * (SIDE / side) - 0.5


def textures(colors: Floats, contrast: float, chances: Floats, side: int) -> Floats:
    """Return a color and three waves of random direction, length and tint: [N, S, 3 S].

    The sine of a sum is split, so that sines are needed of rows and columns, not of pixels.
    """
    angles, lengths, phases = math.pi * chances[:, :3], 5 + 33 * chances[:, 3:6], chances[:, 6:9]
    tints = contrast * (-0.1 + 0.2 * chances[:, 9:].reshape(-1, 3, 3))  # [N, wave, color]
    places = line(side)
    down = 2 * math.pi * ((np.sin(angles) / lengths)[..., None] * places + phases[..., None])
    along = 2 * math.pi * ((np.cos(angles) / lengths)[..., None] * places)  # [N, 3, S]
    rows, columns = np.ones((len(chances), 7, side)), np.empty((len(chances), 7, side * 3))
    np.sin(down, out=rows[:, :3])
    np.cos(down, out=rows[:, 3:6])
    tints = np.tile(tints, (1, 1, side))  # [N, 3, 3 S]
    np.multiply(np.repeat(np.cos(along), 3, axis=2), tints, out=columns[:, :3])
    np.multiply(np.repeat(np.sin(along), 3, axis=2), tints, out=columns[:, 3:6])
    columns[:, 6] = np.tile(colors, side)
    result: Floats = rows.swapaxes(1, 2) @ columns
    return result


def distract(backgrounds: Floats, chances: Chances) -> None:
    """Draw a few short strokes of other colors behind the object, each within a window."""
    side = backgrounds.shape[1]
    window = min(side, math.ceil(WINDOW * side / SIDE))  # pixels
    place, angles = chances.strokes[:, :2] * SIDE, math.pi * chances.strokes[:, 2]
    long = (2 + 5 * chances.strokes[:, 3])[:, None, None]
    cos, sin = np.cos(angles)[:, None], np.sin(angles)[:, None]
    pixel = (chances.strokes[:, :2] * side).astype(np.int64)
    corner = np.clip(pixel - window // 2, 0, side - window)  # [S, 2]
    places = line(side)
    rows, columns = (
        places[corner[:, [axis]] + np.arange(window)] - place[:, [axis]] for axis in (0, 1)
    )
    along = (rows * sin)[:, :, None] + (columns * cos)[:, None]
    across = (rows * cos)[:, :, None] - (columns * sin)[:, None]
    stroke, row, column = np.nonzero((np.abs(along) < long) & (np.abs(across) < 1.0))
    row, column = row + corner[stroke, 0], column + corner[stroke, 1]
    color = BRIGHTEST * chances.strokes[stroke, 4:]
    backgrounds[chances.owners[stroke], row, column] = color  # where two meet, the last one stays


def outlines(labels: npt.NDArray[np.int64], chances: Floats, side: int) -> Floats:
    """Return how much of each pixel the objects cover, 0 to 1: [N, S, S]."""
    inside = np.empty((len(labels), side * FINE, side * FINE), np.bool_)
    places = (np.arange(side * FINE) + 0.5) * (SIDE / side) / FINE
    for label, shape in enumerate(SHAPES.values()):
        these = np.flatnonzero(labels == label)
        if these.size:
            inside[these] = shape(*placed(chances[these], places)) > 0
    samples = inside.view(np.uint8).reshape(-1, side, FINE, side, FINE)
    whole = samples[:, :, 0] + samples[:, :, 1]  # [N, S, S, 2]
    covered: Floats = (whole[..., 0] + whole[..., 1]) / FINE**2
    return covered


def placed(chances: Floats, places: Floats) -> tuple[Floats, Floats]:
    """Return where samples at `places` [L] of both axes lie within objects: twice [N, L, L]."""
    radius, row, column, angle, stretch = chances.T[..., None]  # each [N, 1]
    dy, dx = (places - row) / radius, (places - column) / radius  # [N, L]
    cos, sin = np.cos(angle), np.sin(angle)
    x = (stretch * dy * sin)[:, :, None] + (stretch * dx * cos)[:, None]
    y = (dy * cos / stretch)[:, :, None] - (dx * sin / stretch)[:, None]
    return x, y
