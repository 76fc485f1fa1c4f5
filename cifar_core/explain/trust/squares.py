"""Squares of a picture that are hidden, one at a time, in three ways."""

from collections.abc import Iterator
from functools import cache

import torch
from torch import Tensor

from cifar_core.batching import images_at_once

SIZES = {4: 7, 6: 6, 8: 6, 12: 6}  # side of 32 pixels: squares in a row and in a column
PARTS = [count**2 for count in SIZES.values()]
COUNT = sum(PARTS)  # 157


@cache
def squares(height: int, width: int) -> Tensor:
    """Return squares of four sizes on even grids, bool [P, H, W], the smallest first."""
    rows, columns = torch.arange(height), torch.arange(width)
    found = []
    for size, count in SIZES.items():
        side = max(1, size * min(height, width) // 32)
        tops, lefts = (starts(length, side, count) for length in (height, width))
        for top in tops:
            inside = (rows >= top) & (rows < top + side)
            found += [
                inside[:, None] & (columns >= left) & (columns < left + side) for left in lefts
            ]
    return torch.stack(found)


def starts(length: int, side: int, count: int) -> list[int]:
    """Return where squares of a side begin, evenly from edge to edge."""
    places: list[int] = torch.linspace(0, length - side, steps=count).round().int().tolist()
    return places


def sums(maps: Tensor) -> Tensor:
    """Return the sums [N, P] of maps [N, H, W] in the squares; float64, on the CPU."""
    masks, most = squares(*maps.shape[1:]).flatten(1).double(), images_at_once(maps.shape[1])
    return torch.cat([some.flatten(1).cpu().double() @ masks.T for some in maps.split(most)])


def filled(image: Tensor, masks: Tensor) -> Iterator[Tensor]:
    """Yield copies [1, 3, H, W] of an image, one for each square, filled in from its border.

    A pixel becomes the mean of the four pixels beyond the square in its row and column, weighted
    by nearness: a square of sky in the sky vanishes (after ROAD, Rong et al. 2022,
    arXiv 2202.00449).
    """
    for mask in masks:
        copy = image.clone()
        fill(copy[0], mask)
        yield copy


def fill(picture: Tensor, mask: Tensor) -> None:
    """Fill one square of a picture [3, H, W] in place."""
    rows, columns = (mask.any(dim=d).nonzero().flatten().tolist() for d in (1, 0))
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    down = torch.arange(1, bottom - top + 1).to(picture)[:, None]
    across = torch.arange(1, right - left + 1).to(picture)[None]
    total, weights = torch.zeros_like(picture[:, top:bottom, left:right]), 0 * (down + across)
    for inside, values, far in (
        (top > 0, picture[:, top - 1 : top, left:right], down),
        (bottom < picture.shape[1], picture[:, bottom : bottom + 1, left:right], down.flip(0)),
        (left > 0, picture[:, top:bottom, left - 1 : left], across),
        (right < picture.shape[2], picture[:, top:bottom, right : right + 1], across.flip(1)),
    ):
        if inside:
            total, weights = total + values / far, weights + 1 / far
    picture[:, top:bottom, left:right] = total / weights
