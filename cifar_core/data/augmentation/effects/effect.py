"""What every effect is: an entry that changes a batch as its draws say."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cifar_core.data.augmentation.augment import MEAN_COLOR, Augment, Draws

# what a batch [n, 3, S, S] is where an effect begins: uint8 in planes; float32 in [0, 1], in
# planes; or float32 in [0, 1], channels-last, as the network gets it
Stage = Literal["levels", "planes", "filled"]


@dataclass(frozen=True, kw_only=True)
class Effect:
    """A change of images on the device, a pure function of (seed, epoch, image).

    `change` gets a batch of its stage, which it may change in place, and returns the changed one.
    """

    key: str
    title: str
    summary: str
    paper: str = ""
    uses: tuple[str, ...]  # fields of Augment; each turns it on where it is not the default
    stage: Stage
    change: Callable[[Tensor, Augment, Draws], Tensor]

    def is_on(self, augment: Augment) -> bool:
        """Whether settings ask for it."""
        off = Augment()
        return any(getattr(augment, name) != getattr(off, name) for name in self.uses)


def upload(draws: NDArray[np.generic], device: torch.device) -> Tensor:
    """Copy draws to the device, which a GPU is not waited for."""
    tensor = torch.from_numpy(np.ascontiguousarray(draws))
    if device.type == "cuda":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


def each(draws: NDArray[np.float64], device: torch.device) -> Tensor:
    """Copy one number for each image [n] to the device, as float32 [n, 1, 1, 1]."""
    return upload(draws.astype(np.float32), device)[:, None, None, None]


def filling(device: torch.device) -> Tensor:
    """Return the color [3] of what is blanked out."""
    return upload(np.array(MEAN_COLOR, np.float32), device) / 255
