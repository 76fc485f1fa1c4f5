"""Does hiding what a map marks as important lower the network's score?

After Sensitivity-n (Ancona et al. 2018, arXiv 1711.06104) and faithfulness correlation (Bhatt et
al. 2020, arXiv 2005.00631), with what a square's size and the picture alone say taken out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product

import torch
from torch import Tensor

from cifar_core.explain.trust.squares import PARTS, sums

STEPS = 6  # rolls down and across; with 8 turns and mirrors, a map has 287 moved copies
COPIES = 8 * STEPS**2 - 1
CONSTANT = 1e-9  # spread, as a share of the values, below which it is rounding error
EXPLAINED = 1e-6  # share that is left, below which the rest is rounding error


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How well a map agrees with one way to hide."""

    value: float  # correlation of the map's sums in the squares with the falls, -1 to 1
    rivals: Mapping[str, float]  # the same for maps that ignore the network, by key of RIVALS
    chance: float  # p: the share of the map and its moved copies that agree as well
    beyond: float  # p of the agreement that the rivals do not explain

    @property
    def rival(self) -> str:
        """The key of the rival that agrees best."""
        return max(self.rivals, key=self.rivals.__getitem__)

    @property
    def best(self) -> float:
        """The agreement of that rival."""
        return self.rivals[self.rival]

    @property
    def copies(self) -> int:
        """How many of the map's `COPIES` moved copies agree as well; p counts the map too."""
        return round(self.chance * (COPIES + 1)) - 1


def compare(map_: Tensor, falls: Mapping[str, Tensor], rivals: Mapping[str, Tensor]) -> dict[
    str, Agreement
]:  # fmt: skip
    """Compare a map [H, W] with the falls [P] of each way to hide; costs no pass.

    The rivals are the sums [P] of the maps that ignore the network, by key.
    """
    values, known = sums(torch.cat([map_[None], moved(map_)])), torch.stack(list(rivals.values()))
    return {
        way: Agreement(
            value=float(agreement(values[:1], fallen)),
            rivals=dict(zip(rivals, agreement(known, fallen).tolist(), strict=True)),
            chance=share_as_good(agreement(values, fallen)),
            beyond=share_as_good(agreement(values, fallen, known)),
        )
        for way, fallen in falls.items()
    }


def agreement(values: Tensor, falls: Tensor, known: Tensor | None = None) -> Tensor:
    """Return the correlation [N] of sums [N, P] with falls [P], the mean over the sizes.

    It is taken within a size, because larger squares have larger sums and larger falls whatever
    the map. With sums `known` [R, P], it is the partial correlation: these are taken out of both.
    """
    each = [
        (left(part, other) * left(fallen, other)).sum(dim=-1)
        for part, fallen, other in zip(
            values.split(PARTS, dim=-1),
            falls[None].split(PARTS, dim=-1),
            [None] * len(PARTS) if known is None else known.split(PARTS, dim=-1),
            strict=True,
        )
    ]
    return torch.stack(each).mean(dim=0)


def unit(rows: Tensor) -> Tensor:
    """Return rows [..., P] with their mean taken off, of length 1; 0 where a row is constant."""
    centered = rows - rows.mean(dim=-1, keepdim=True)
    length, size = (r.norm(dim=-1, keepdim=True) for r in (centered, rows))
    return torch.where(length > CONSTANT * size, centered / length, 0)


def left(rows: Tensor, known: Tensor | None) -> Tensor:
    """Return rows [N, P] of length 1 without what known rows [R, P] explain; 0 if that is all."""
    rows = unit(rows)
    if known is None:
        return rows
    spread, sizes, _ = torch.linalg.svd(unit(known).T, full_matrices=False)
    basis = spread[:, sizes > EXPLAINED]
    rest = rows - rows @ basis @ basis.T
    length = rest.norm(dim=-1, keepdim=True)
    return torch.where(length > EXPLAINED, rest / length, 0)


@cache
def moves(height: int, width: int) -> list[tuple[int, int, int]]:
    """Return turns (0 to 7, from 4 on mirrored) and rolls in pixels; all but the map itself."""
    return [
        (turn, down * height // STEPS, across * width // STEPS)
        for turn, down, across in product(range(8), range(STEPS), range(STEPS))
        if turn or down or across
    ]


def moved(map_: Tensor) -> Tensor:
    """Return copies [287, H, W] of a map [H, W], turned, mirrored and rolled over the borders.

    They are as smooth and as peaked as the map; only their place is wrong.
    """
    height, width = map_.shape
    quarter = 1 if height == width else 2
    copies = []
    for turn, down, across in moves(height, width):
        copy = map_.rot90(turn % 4 * quarter)
        copies.append((copy.flip(1) if turn > 3 else copy).roll((down, across), dims=(0, 1)))
    return torch.stack(copies)


def share_as_good(found: Tensor) -> float:
    """Return the share of all [1 + N] that reach the first."""
    return float((found >= found[0]).double().mean())
