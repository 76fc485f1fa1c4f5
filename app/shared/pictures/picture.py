"""A picture to explain, with its edits: the region that the network sees, and a cover."""

from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cifar_core.data.pictures.edits import covered
from cifar_core.data.pictures.images import Box, network_view, pictured_box, seen_box
from cifar_core.data.sizing import FITS, USUAL, Sizing
from cifar_core.explain.render import enlarge
from cifar_core.numbers import percent
from cifar_core.runs.results.explanation import sha256_of

MOST = 12  # pictures explained at once
SIDE = 320  # pixels of a large picture


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture, its true class if known, and its edits."""

    name: str
    image: Image.Image
    ref: str = ""  # what an address calls it, such as test-5; empty if it cannot
    source: str = ""  # the set that it is an image of, if it is
    sizing: Sizing = USUAL  # how it becomes what the network sees that it is shown to
    truth: str = ""  # the true class, if known
    box: Box | None = None  # another region that the network sees, which the person chose
    cover: tuple[Box, str] | None = None  # the part that is hidden, and how
    mask: NDArray[np.bool_] | None = None  # [side, side], where the object is, if known

    @cached_property
    def key(self) -> str:
        """What identifies the picture, whatever its edits and the network that it is shown to."""
        if self.source:
            return sha256(f"{self.source} {self.ref}".encode()).hexdigest()[:16]
        return sha256_of(self.image)[:16]

    @property
    def region(self) -> Box:
        """The region of the picture that the network sees."""
        return self.box or seen_box(self.image, self.sizing)

    @property
    def pictured(self) -> Box:
        """Where in what the network sees that region is: all of it but black borders."""
        left, top, right, bottom = self.region
        return pictured_box((right - left, bottom - top), self.sizing)

    @cached_property
    def photo(self) -> Image.Image:
        """The whole picture, with its cover."""
        return covered(self.image, *self.cover) if self.cover else self.image

    @cached_property
    def seen(self) -> Image.Image:
        """The pixels that the network sees."""
        return network_view(self.photo, self.sizing, self.box)

    @property
    def bare(self) -> Image.Image:
        """What the network would see without the cover."""
        return network_view(self.image, self.sizing, self.box)

    @property
    def seen_words(self) -> str:
        """What the network sees of the picture, in a sentence or two."""
        side, sizing = self.sizing.side, self.sizing
        size = f"{side} x {side} pixels, whatever the size of the picture."
        if self.box:
            return f"{size} You chose the region."
        width, height = self.image.size
        if sizing.is_wider:
            share = percent(sizing.side / sizing.stored, 0)
            return f"{size} The middle of the centered square: {share} of its side."
        return size if width == height else f"{size} {FITS[sizing.fit].summary}"


def large(picture: Image.Image) -> Image.Image:
    """Enlarge a small picture so that its pixels are squares; others stay as they are."""
    return enlarge(picture, SIDE) if 2 * max(picture.size) <= SIDE else picture
