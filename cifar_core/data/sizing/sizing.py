"""The size of a run's images: what a network sees, and what is kept on the disk for it."""

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from cifar_core.data.dataset import SIZE
from cifar_core.data.sizing.fits import CROP

SMALLEST, LARGEST = 16, 512  # pixels a side


@dataclass(frozen=True, kw_only=True)
class Sizing:
    """How the pictures of a set become images [side, side, 3]."""

    side: int = SIZE  # pixels a side of what a network sees, SMALLEST to LARGEST
    fit: str = CROP  # a key of FITS
    stored: int = SIZE  # pixels a side of what is kept, at least `side`: random crops have room

    def __post_init__(self) -> None:
        assert self.stored >= self.side

    @property
    def is_wider(self) -> bool:
        """Whether more is kept of an image than a network sees."""
        return self.stored > self.side

    @property
    def margin(self) -> int:
        """How many pixels of a kept image lie above and to the left of what a network sees."""
        return (self.stored - self.side) // 2

    def centers(self, kept: NDArray[Any]) -> NDArray[Any]:
        """Return a view [N, side, side, ...] of kept images [N, stored, stored, ...]."""
        seen = slice(self.margin, self.margin + self.side)
        return kept[:, seen, seen] if self.is_wider else kept


USUAL = Sizing()  # at which pages show sets, and which all runs of earlier versions used
