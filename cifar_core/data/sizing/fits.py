"""The ways to make a square of a picture that is none."""

from collections.abc import Callable
from dataclasses import dataclass

from cifar_core.registry import Option, Registry

CROP, FIT, STRETCH = "crop", "fit", "stretch"
Region = tuple[int, int, int, int]  # left, top, right, bottom in pixels
Size = tuple[int, int]  # width, height in pixels


@dataclass(frozen=True, kw_only=True)
class Fit(Option):
    """A way to make pictures square."""

    # the size of a picture, and the side of the square -> which part of the picture is used, and
    # the size to which it is scaled; it lies in the middle of the square, on black
    place: Callable[[Size, int], tuple[Region, Size]]
    done: str  # what was done to pictures that were not square, after "were"


def centered_square(size: Size) -> Region:
    """Return the largest square in the middle of a picture."""
    width, height = size
    side = min(size)
    left, top = (width - side) // 2, (height - side) // 2
    return left, top, left + side, top + side


def cropped(size: Size, side: int) -> tuple[Region, Size]:
    """Use the centered square."""
    return centered_square(size), (side, side)


def fitted(size: Size, side: int) -> tuple[Region, Size]:
    """Use the whole picture, scaled so that its longer side fits."""
    width, height = size
    share = side / max(size)
    return (0, 0, width, height), (max(1, round(width * share)), max(1, round(height * share)))


def stretched(size: Size, side: int) -> tuple[Region, Size]:
    """Use the whole picture, scaled to the square."""
    return (0, 0, *size), (side, side)


FITS = Registry(
    "way to make images square",
    [
        Fit(
            key=CROP,
            title="Crop the center",
            summary="The centered square is kept; what lies beside it is cut off.",
            place=cropped,
            done="cropped to a square and",
        ),
        Fit(
            key=FIT,
            title="Fit with borders",
            summary="The whole picture is kept, with black borders on two sides.",
            place=fitted,
            done="fitted into a square with black borders and",
        ),
        Fit(
            key=STRETCH,
            title="Stretch",
            summary="The whole picture is kept, squeezed along its longer side.",
            place=stretched,
            done="stretched to a square and",
        ),
    ],
)
