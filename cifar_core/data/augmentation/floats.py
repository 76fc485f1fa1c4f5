"""Turns levels 0 to 255 into floats, in memory that is used again."""

import weakref

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

HELD = 2  # a caller usually drops a batch only when it has the next one


class Floats:
    """Turns batches of pixels into floats.

    On a CPU, taking fresh memory for a large batch costs several times as much as the arithmetic,
    so that of a batch is used again once no tensor lies in it any more.
    """

    def __init__(self) -> None:
        # arrays, and what was lent of each, which lives as long as a tensor that was made from it
        self.held: list[tuple[NDArray[np.float32], weakref.ref[NDArray[np.float32]]]] = []

    def __call__(self, pixels: Tensor) -> Tensor:
        """Return uint8 [n, ...] as float32 of the same shape in [0, 1], contiguous."""
        if pixels.device.type != "cpu":
            return pixels.float().div_(255)
        return torch.from_numpy(self._array(tuple(pixels.shape))).copy_(pixels).div_(255)

    def _array(self, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """Return an array in which no tensor lies."""
        free = [
            number
            for number, (array, lent) in enumerate(self.held)
            if lent() is None and array.shape[1:] == shape[1:] and len(array) >= shape[0]
        ]
        array = self.held[free[0]][0] if free else np.empty(shape, np.float32)
        view = array[: shape[0]]
        if free:
            self.held[free[0]] = array, weakref.ref(view)
        elif len(self.held) < HELD:
            self.held.append((array, weakref.ref(view)))
        return view
