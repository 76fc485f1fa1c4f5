"""Maps that ignore the network. An explanation has to do better than these."""

from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from cifar_core.explain.baselines import blurred


def edges(image: Tensor) -> Tensor:
    """Return the strength of the Sobel gradient of an image's brightness; [H, W]."""
    across = torch.tensor([[1.0, 0, -1], [2, 0, -2], [1, 0, -1]])
    kernels = torch.stack([across, across.T])[:, None]
    gray = F.pad(image.mean(dim=1, keepdim=True), (1, 1, 1, 1), mode="replicate")
    return F.conv2d(gray, kernels)[0].norm(dim=0)


def center(image: Tensor) -> Tensor:
    """Return a centered Gaussian whose spread is a quarter of the side; [H, W]."""
    down, across = (torch.linspace(-2, 2, steps=side) for side in image.shape[2:])
    return torch.exp(-(down[:, None] ** 2 + across**2) / 2)


def colorful(image: Tensor) -> Tensor:
    """Return by how much the color channels differ; [H, W]."""
    return image[0].amax(dim=0) - image[0].amin(dim=0)


def detail(image: Tensor) -> Tensor:
    """Return by how much the picture differs from its blurred copy; [H, W]."""
    return (image - blurred(image)).abs().sum(dim=1)[0]


def bright(image: Tensor) -> Tensor:
    """Return the brightness; [H, W]."""
    return image[0].mean(dim=0)


def central_edges(image: Tensor) -> Tensor:
    """Return the edges, weighted by nearness to the center; [H, W]."""
    return edges(image) * center(image)


def contrast(image: Tensor) -> Tensor:
    """Return the steepest slope of the three slightly blurred color channels; [H, W]."""
    down, across = torch.gradient(blurred(image, 1)[0], dim=(1, 2))
    return (down**2 + across**2).sqrt().amax(dim=0)


RIVALS: Mapping[str, Callable[[Tensor], Tensor]] = {  # image [1, 3, H, W] -> map [H, W]
    "edges": edges,
    "centre": center,
    "color": colorful,
    "detail": detail,
    "brightness": bright,
    "central_edges": central_edges,
    "contrast": contrast,
}
TITLES = {
    "edges": "edge detector",
    "centre": "centered Gaussian",
    "color": "colorfulness",
    "detail": "fine detail",
    "brightness": "brightness",
    "central_edges": "edges near the center",
    "contrast": "color contrast",
}
