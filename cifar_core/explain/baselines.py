"""Baselines: pictures without an object, with which an image is compared."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from cifar_core.registry import Registry


def blurred(images: Tensor, sigma: float = 4.0) -> Tensor:
    """Blur images [N, 3, H, W] until only patches of color remain.

    Sigma is in pixels of a picture of 32 x 32, and scaled for others, so that the same share of a
    picture is blurred at every size.
    """
    sigma = sigma * min(images.shape[2:]) / 32
    reach = int(2 * sigma)
    offsets = torch.arange(-reach, reach + 1, device=images.device, dtype=images.dtype)
    weights = torch.exp(-(offsets**2) / (2 * sigma**2))
    kernel = (weights / weights.sum()).expand(3, 1, 1, -1)  # one row per channel
    padded = F.pad(images, (reach, reach, reach, reach), mode="replicate")
    return F.conv2d(F.conv2d(padded, kernel, groups=3), kernel.mT, groups=3)


def gray(images: Tensor) -> Tensor:
    """Return medium gray images of the same shape."""
    return torch.full_like(images, 0.5)


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """One choice of pictures to compare with; several are averaged over."""

    key: str
    title: str
    summary: str
    pictures: Sequence[Callable[[Tensor], Tensor]]  # images [N, 3, H, W] -> the same shape

    def of(self, images: Tensor) -> list[Tensor]:
        """Return the pictures that images [N, 3, H, W] are compared with."""
        return [picture(images) for picture in self.pictures]

    def mean(self, method: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
        """Return the mean of a method's maps over the pictures."""
        return torch.stack([method(picture) for picture in self.of(images)]).mean(dim=0)


BASELINES = Registry(
    "baseline",
    [
        Baseline(
            key="blur",
            title="Blurred",
            summary="The image without its details: shows what the details add.",
            pictures=(blurred,),
        ),
        Baseline(
            key="grey",
            title="Gray",
            summary="Medium gray: shows what all light and dark parts add.",
            pictures=(gray,),
        ),
        Baseline(
            key="blur_and_grey",
            title="Blurred and gray",
            summary="The mean of both maps: the most faithful in our tests, at twice the cost.",
            pictures=(blurred, gray),
        ),
        Baseline(
            key="black",
            title="Black",
            summary="Black: the usual choice, but blind to dark objects.",
            pictures=(torch.zeros_like,),
        ),
        Baseline(
            key="white",
            title="White",
            summary="White: blind to light objects.",
            pictures=(torch.ones_like,),
        ),
    ],
)
