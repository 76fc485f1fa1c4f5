"""Edits a picture before a network sees it: chooses the region, covers a part."""

import math

from PIL import Image, ImageFilter

from cifar_core.data.pictures.images import Box

GRAY = (128, 128, 128)


def square(size: tuple[int, int], share: float, across: float, down: float) -> Box:
    """Return a square inside a picture of (width, height): left, top, right, bottom in pixels.

    Its side is a share of the picture's shorter one, and at least one pixel; `across` and `down`
    in [0, 1] are its position, from one edge to the other. A half pixel is rounded down, as
    `images.seen_box` does, so that a picture without edits is seen alike everywhere.
    """
    side = max(1, round(share * min(size)))
    left, top = (
        math.ceil(at * (most - side) - 0.5) for at, most in zip((across, down), size, strict=True)
    )
    return left, top, left + side, top + side


def inside(outer: Box, inner: Box) -> Box:
    """Return a box in picture coordinates, given one that is relative to an outer box."""
    left, top = outer[:2]
    return left + inner[0], top + inner[1], left + inner[2], top + inner[3]


def covered(image: Image.Image, box: Box, how: str) -> Image.Image:
    """Return a copy of a picture in which a box is gray or blurred beyond recognition."""
    copy = image.copy()
    if how == "grey":
        copy.paste(GRAY, box)
        return copy
    radius = max(1.0, (box[2] - box[0]) / 3)
    copy.paste(image.filter(ImageFilter.GaussianBlur(radius)).crop(box), box)
    return copy
