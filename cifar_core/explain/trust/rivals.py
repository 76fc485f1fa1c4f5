"""Maps that ignore the network. An explanation has to do better than these."""

from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor


def noise(image: Tensor) -> Tensor:
    """Return a random map [H, W], the same every time."""
    return torch.rand(image.shape[2:], generator=torch.Generator().manual_seed(0))


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


RIVALS: Mapping[str, Callable[[Tensor], Tensor]] = {  # image [1, 3, H, W] -> map [H, W]
    "random": noise,
    "edges": edges,
    "centre": center,
}
TITLES = {"random": "random map", "edges": "edge detector", "centre": "centered Gaussian"}
