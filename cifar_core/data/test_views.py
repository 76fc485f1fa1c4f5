"""The views of the test images that the network gets: the images alone, or several of each.

The other views can only change the answer where the first one is not sure, so they can be spared
where it is.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cifar_core.data.dataset import SIZE
from cifar_core.registry import Registry

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class ViewsSpec:
    """The views of an image, whose logits are averaged with these weights."""

    key: str  # saved in config.json; never renamed
    title: str
    summary: str
    words: str  # added to an accuracy; empty for the images alone
    # images [N, 3, H, W] -> views of the same shape, the images themselves first
    make: Callable[["Tensor"], "list[Tensor]"]
    weights: tuple[float, ...]
    share: float = 1.0  # of the whole set: the images, least sure first, that get the other views


def unaltered(images: "Tensor") -> "list[Tensor]":
    """Return the images alone."""
    return [images]


def mirrored(images: "Tensor") -> "list[Tensor]":
    """Return the images and their mirror images."""
    return [images, images.flip(3)]


def mirrored_and_shifted(images: "Tensor") -> "list[Tensor]":
    """Add both shifted by a 32nd of the side, down right and up left; the border is reflected."""
    import torch.nn.functional as F  # late, so that listing the views does not import torch

    side = images.shape[3]
    step = max(1, round(side / SIZE))
    wide, far = F.pad(images, (step, step, step, step), mode="reflect"), 2 * step
    return [
        *mirrored(images),
        *mirrored(wide[:, :, :side, :side]),
        *mirrored(wide[:, :, far:, far:]),
    ]


TEST_VIEWS = Registry(
    "choice of views",
    [
        ViewsSpec(
            key="plain",
            title="Unaltered",
            summary="Each test image is classified once.",
            words="",
            make=unaltered,
            weights=(1.0,),
        ),
        ViewsSpec(
            key="mirror",
            title="Mirrored too",
            summary="The mean of the image and its mirror image, in twice the time.",
            words="with mirrored views",
            make=mirrored,
            weights=(1 / 2, 1 / 2),
        ),
        ViewsSpec(
            key="mirror_shift",
            title="Mirrored and shifted too",
            summary="Half from the image and its mirror, half from both shifted by a 32nd of "
            "the side: the six views of the CIFAR-10 speed records.",
            words="with mirrored and shifted views",
            make=mirrored_and_shifted,
            weights=(1 / 4, 1 / 4, 1 / 8, 1 / 8, 1 / 8, 1 / 8),
        ),
        ViewsSpec(
            key="mirror_shift_unsure",
            title="Mirrored and shifted if unsure",
            summary="The six views only for the quarter of the test images whose two largest "
            "logits are closest; the others are classified once. In less than half of the time.",
            words="with mirrored and shifted views of the least sure quarter",
            make=mirrored_and_shifted,
            weights=(1 / 4, 1 / 4, 1 / 8, 1 / 8, 1 / 8, 1 / 8),
            share=1 / 4,
        ),
    ],
)
