"""What the rest of the package needs to know about an architecture."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """One architecture: how it is named, described, built and looked into."""

    key: str  # saved in config.json; never renamed
    title: str
    summary: str
    # number of classes, then the settings named in `uses` by keyword
    # -> a network that maps images [N, 3, 32, 32] in [0, 1] to logits [N, K]
    build: Callable[..., nn.Module]
    cam_layer: str  # dotted name of the deepest layer whose maps are still at least 8 x 8
    uses: tuple[str, ...] = ()  # the settings that only this architecture reads
    paper: str = ""
