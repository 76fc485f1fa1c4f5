"""The interface of an architecture to the rest of the package."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from torch import Tensor, nn

from cifar_core.models.stems import halvings, multiple

SMALL = 32  # pixels a side of the images that the small networks were made for

Family = Literal[
    "Convolutional",
    "Residual",
    "Efficient",
    "Transformer",
    "Graph",
    "Pretrained on ImageNet",
    "Pretrained, from timm",
]


def unchanged(name: str) -> str:
    """Return the name of a tensor unchanged."""
    return name


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A stretch of a network between its input and its last layer."""

    title: str
    prefixes: tuple[str, ...]  # dotted names of the modules and parameters in it


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """One architecture: its name, its description, and how to build and explain it."""

    key: str  # saved in config.json; never renamed
    title: str
    summary: str
    family: Family  # heading under which the page shows it
    # number of classes, then by keyword `side` and the settings named in `uses`
    # -> a network that maps images [N, 3, side, side] in [0, 1] to logits [N, K]
    build: Callable[..., nn.Module]
    # dotted name of the deepest layer whose maps are at least 7 x 7 for images of 28 pixels or more
    cam_layer: str | None
    cam_note: str = ""  # why no layer suits class-activation maps, if none does
    input_size: int = SMALL  # pixels a side; a network with more enlarges smaller images to it
    stems: tuple[str, ...] = ()  # in words, for 0, 1 and 2 halvings; () if it has the same at all
    uses: tuple[str, ...] = ()  # settings that only this architecture uses
    paper: str = ""
    weights: str = ""  # of a pretrained network: the key of its weights
    head: str = ""  # and the dotted name of its last layer, which is new
    stages: tuple[Stage, ...] = ()  # and all layers before it, from the input on
    rename: Callable[[str], str] = unchanged  # and a tensor's name as published -> ours
    # or, of a file that takes more than that: the file and the side in pixels that the network
    # computes on -> all tensors but the last layer's by our names; raises WeightsError
    read: Callable[[Path, int], dict[str, Tensor]] | None = None
    # adapts fresh weights to unaugmented training images [n, 3, H, W] in [0, 1], n up to 5,000,
    # before the first step, as whitening does; changes only what is in the network's state_dict
    prepare: Callable[[nn.Module, Tensor], None] | None = None
    early: tuple[str, ...] = ()  # dotted names of what is trained for `whitening_epochs` only
    patch: int = 1  # pixels a side; with `stems` it grows with the image

    def __post_init__(self) -> None:
        assert (self.cam_layer is None) == bool(self.cam_note), "a CAM layer or why there is none"

    def computes_on(self, side: int = SMALL, resolution: int = 0) -> int:
        """Return how many pixels a side it computes on for images of `side` pixels.

        A pretrained network enlarges smaller images to `resolution`, if that is not 0; one without
        that setting resizes all images to the size of its pretraining. A network that cuts images
        into patches enlarges those that they do not divide.
        """
        if self.weights and "resolution" not in self.uses:
            return self.input_size
        least = resolution or (self.input_size if self.input_size > SMALL else 0)
        grows = self.stems and self.patch > 1
        patch = self.patch * 2 ** halvings(side) if grows else self.patch
        return multiple(max(side, least), patch)

    def stem_words(self, side: int) -> str:
        """Return its stem for images of `side` pixels; empty if it is the same at all sizes."""
        return self.stems[halvings(side)] if self.stems else ""
