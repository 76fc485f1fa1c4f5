"""How large the pictures of a set were before they were scaled, and of what shape."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Measure = Literal["width", "height", "shape"]
MEASURES: dict[Measure, str] = {"width": "Width", "height": "Height", "shape": "Shape"}
MOST_BARS = 16  # of a histogram of widths or heights
WIDE_RANGE = 20.0  # largest / smallest from which the bars grow by a factor
SHAPES: Sequence[tuple[float, str]] = (  # width / height up to a limit, and what that is called
    (1 / 2.5, "over 2.5 times as tall as wide"),
    (1 / 1.6, "tall, up to 2.5 : 1"),
    (1 / 1.1, "tall, up to 1.6 : 1"),
    (1.1, "about square"),
    (1.6, "wide, up to 1.6 : 1"),
    (2.5, "wide, up to 2.5 : 1"),
    (float("inf"), "over 2.5 times as wide as tall"),
)


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A bar of a histogram: the pictures with low <= value < high."""

    low: float
    high: float
    label: str
    count: int

    def holds(self, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return a mask of the values [N] that the bar counts."""
        return (values >= self.low) & (values < self.high)


@dataclass(frozen=True, kw_only=True)
class SizeSummary:
    """Which of N pictures is the smallest and which the largest, by area, and the usual size."""

    smallest: int
    largest: int
    median: tuple[int, int]  # width and height in pixels, each for itself
    distinct: int  # different sizes


def size_summary(sizes: NDArray[np.int32]) -> SizeSummary:
    """Summarize the widths and heights [N, 2] of at least one picture."""
    areas = sizes.astype(np.int64).prod(axis=1)
    width, height = np.median(sizes, axis=0).astype(int).tolist()
    return SizeSummary(
        smallest=int(areas.argmin()),
        largest=int(areas.argmax()),
        median=(width, height),
        distinct=len(np.unique(sizes, axis=0)),
    )


def counted_sizes(sizes: NDArray[np.int32]) -> list[tuple[tuple[int, int], int]]:
    """Return each size of [N, 2] with the number of its pictures, the most frequent first."""
    different, counts = np.unique(sizes, axis=0, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return [((int(different[i, 0]), int(different[i, 1])), int(counts[i])) for i in order]


def values_of(sizes: NDArray[np.int32], measure: Measure) -> NDArray[np.float64]:
    """Return a measure [N] of the sizes [N, 2]: pixels, or width / height for the shape."""
    if measure == "shape":
        shapes: NDArray[np.float64] = sizes[:, 0] / np.maximum(1, sizes[:, 1])
        return shapes
    return sizes[:, 0 if measure == "width" else 1].astype(np.float64)


def histogram(sizes: NDArray[np.int32], measure: Measure) -> list[Bar]:
    """Count the pictures by a measure of their sizes [N, 2], N >= 1; bars without any are left out.

    Few different widths or heights get a bar each. The bars of others are equally wide, or grow
    by a factor where the largest is more than WIDE_RANGE times the smallest.
    """
    values = values_of(sizes, measure)
    if measure == "shape":
        lows = [0.0, *(limit for limit, _ in SHAPES[:-1])]
        bars = [(low, high, label) for low, (high, label) in zip(lows, SHAPES, strict=True)]
    else:
        bars = bars_of(values)
    counted = [
        Bar(low=low, high=high, label=label, count=int(((values >= low) & (values < high)).sum()))
        for low, high, label in bars
    ]
    return [bar for bar in counted if bar.count]


def bars_of(values: NDArray[np.float64]) -> list[tuple[float, float, str]]:
    """Return the borders and the labels of the bars of whole numbers [N] from 1 on."""
    different = np.unique(values)
    if len(different) <= MOST_BARS:
        return [(value, value + 1, f"{value:,.0f}") for value in different.tolist()]
    low, high = float(different[0]), float(different[-1]) + 1
    spread = np.geomspace if high / low > WIDE_RANGE else np.linspace
    edges = np.unique(np.round(spread(low, high, MOST_BARS + 1))).tolist()
    return [
        (start, end, f"{start:,.0f}" if end == start + 1 else f"{start:,.0f} to {end - 1:,.0f}")
        for start, end in pairwise(edges)
    ]
