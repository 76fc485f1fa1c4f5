"""Puts the scaling of the images into the model, so that no caller can forget or repeat it."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Scaled(nn.Module):
    """A network with the scaling of its input, and with an enlargement or a stem if it needs one.

    Images [N, 3, H, W] in [0, 1] become (images - mean) / std, resized to `resolution` pixels a
    side unless it is None, and pass through `stem` before `body` if there is one. The defaults
    give about zero mean and unit spread. The constants are not saved with the weights.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        body: nn.Module,
        *,
        mean: tuple[float, float, float] = (0.5, 0.5, 0.5),
        std: tuple[float, float, float] = (0.25, 0.25, 0.25),
        resolution: int | None = None,
        stem: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.stem = stem
        self.body = body  # last, as optimizers take the last matrix for the one of the logits
        self.resolution = resolution
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Map images [N, 3, H, W] in [0, 1] to logits [N, K]."""
        images = images.sub(self.mean).div_(self.std)  # first, while there are few pixels
        if self.resolution is not None:
            size = (self.resolution, self.resolution)
            images = F.interpolate(images, size, mode="bilinear", antialias=False)
        if self.stem is not None:
            images = self.stem(images)
        logits: Tensor = self.body(images)
        return logits
