"""A picture to explain, with its edits: the region that the network sees, and a cover."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cifar_core.data.pictures.edits import covered
from cifar_core.data.pictures.images import Box, network_view, seen_box
from cifar_core.runs.results.explanation import sha256_of

MOST = 12  # pictures explained at once


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture, its true class if known, and its edits."""

    name: str
    image: Image.Image
    ref: str = ""  # what an address calls it, such as test-5; empty if it cannot
    truth: str = ""  # the true class, if known
    box: Box | None = None  # the region that the network sees; the centered square if None
    cover: tuple[Box, str] | None = None  # the part that is hidden, and how
    mask: NDArray[np.bool_] | None = None  # [32, 32], where the object is, if known

    @cached_property
    def key(self) -> str:
        """What identifies the picture, whatever its edits."""
        return sha256_of(self.image)[:16]

    @property
    def region(self) -> Box:
        """The region that the network sees."""
        return self.box or seen_box(self.image)

    @cached_property
    def photo(self) -> Image.Image:
        """The whole picture, with its cover."""
        return covered(self.image, *self.cover) if self.cover else self.image

    @cached_property
    def seen(self) -> Image.Image:
        """The 32 x 32 pixels that the network sees."""
        return network_view(self.photo, box=self.region)
