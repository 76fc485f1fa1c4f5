"""The ten shapes of the drawn images, each a function that is positive inside the shape."""

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Shape = Callable[[Floats, Floats], Floats]  # x, y in about [-1, 1] -> inside where positive


def square(x: Floats, y: Floats) -> Floats:
    """Return a square."""
    return 0.9 * math.cos(math.pi / 4) - np.maximum(np.abs(x), np.abs(y))


def triangle(x: Floats, y: Floats) -> Floats:
    """Return a triangle of equal sides that points down."""
    return 0.45 - np.maximum(-y, np.abs(x) * math.sin(math.pi / 3) + 0.5 * y)


def disc(x: Floats, y: Floats) -> Floats:
    """Return a filled circle."""
    return 0.8**2 - (x * x + y * y)


def ring(x: Floats, y: Floats) -> Floats:
    """Return a circle with a hole."""
    return 0.2 - np.abs(np.sqrt(x * x + y * y) - 0.65)


def star(x: Floats, y: Floats) -> Floats:
    """Return a star of five points."""
    turn = np.arctan2(x, -y) * (5 / (2 * math.pi)) + 0.5
    wave = np.abs(turn - np.floor(turn) - 0.5) * 2
    return 1.0 - 0.58 * wave - np.sqrt(x * x + y * y)


def cross(x: Floats, y: Floats) -> Floats:
    """Return a plus sign."""
    x, y = np.abs(x), np.abs(y)
    return np.minimum(0.24 - np.minimum(x, y), 0.9 - np.maximum(x, y))


def crescent(x: Floats, y: Floats) -> Floats:
    """Return a moon."""
    squares = y * y
    return np.minimum(0.85**2 - (x * x + squares), (x - 0.42) ** 2 + squares - 0.62**2)


def heart(x: Floats, y: Floats) -> Floats:
    """Return a heart."""
    x, y = 1.25 * x, -1.25 * y + 0.1
    wide, high = x * x, y * y
    round_part = wide + high - 0.75
    return wide * high * y - round_part * round_part * round_part


def arrow(x: Floats, y: Floats) -> Floats:
    """Return an arrow."""
    off_axis = np.abs(y)
    shaft = np.minimum(0.17 - off_axis, np.minimum(x + 0.9, 0.3 - x))
    head = np.minimum(x - 0.05, (0.9 - x) * 0.75 - off_axis)
    return np.maximum(shaft, head)


def hourglass(x: Floats, y: Floats) -> Floats:
    """Return two triangles that touch at their tips."""
    high = np.abs(y)
    return np.minimum(0.8 - high, high * 0.85 + 0.06 - np.abs(x))


SHAPES: dict[str, Shape] = {
    "arrow": arrow,
    "crescent": crescent,
    "cross": cross,
    "disc": disc,
    "heart": heart,
    "hourglass": hourglass,
    "ring": ring,
    "square": square,
    "star": star,
    "triangle": triangle,
}
