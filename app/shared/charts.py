"""Figures from plain data, as pure functions that can be tested without a browser."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.shared.pictures.thumbnails import thumbnails
from cifar_core.data.dataset import SIZE
from cifar_core.reading.curves import Values, thin_around

PIXELS = 600  # about the width of a chart; each keeps the lowest and the highest point


@dataclass(frozen=True, kw_only=True)
class LiveFigure:
    """A Plotly figure in two parts: a small header for JSON, and the arrays x, y, x, y, ..."""

    header: dict[str, Any]
    arrays: Sequence[NDArray[Any]]


def thinned(x: Values, y: Values, window: tuple[float, float] | None) -> tuple[Values, Values]:
    """Drop the points that no pixel would show."""
    indices = thin_around(x, y, PIXELS, window)
    return x[indices], y[indices]


def picture_rows(rows: Sequence[NDArray[np.uint8]], *, zoom: int = 2, gap: int = 2) -> Image.Image:
    """Lay out rows of pictures [N, side, side, 3] as one picture with transparent gaps.

    Pictures of 32 pixels are drawn `zoom` times as large, and larger ones as large as those.
    """
    side = rows[0].shape[1]
    if side > SIZE:
        rows = [thumbnails(row, SIZE * zoom) for row in rows]
        side, gap, zoom = rows[0].shape[1], gap * zoom, 1
    width, height = max(len(row) for row in rows), len(rows)
    sheet = np.zeros((height * (side + gap) - gap, width * (side + gap) - gap, 4), np.uint8)
    for i, row in enumerate(rows):
        for j, picture in enumerate(row):
            top, left = i * (side + gap), j * (side + gap)
            sheet[top : top + side, left : left + side, :3] = picture
            sheet[top : top + side, left : left + side, 3] = 255
    image = Image.fromarray(sheet)
    return image.resize((image.width * zoom, image.height * zoom), Image.Resampling.NEAREST)
