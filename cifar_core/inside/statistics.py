"""How alive the layers are: mean, spread and dead channels over many images.

A channel is dead if it gives the same value at every place of every image: it then tells the rest
of the network nothing about the picture, whatever its value. After a ReLU that is a unit that
never fires. With few images, a rarely used channel looks dead too.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from cifar_core.explain import Explainable
from cifar_core.inside.layers import by_channel, listening

BATCH = 32  # images at once; of each layer only sums are kept
STILL = 1e-6  # the same value, as a share of the layer's largest: what rounding can do


@dataclass(frozen=True, kw_only=True)
class Activity:
    """What a layer's activations are like over a set of images."""

    mean: float
    spread: float  # standard deviation over images, channels and places
    dead: float  # share of the channels, in [0, 1]


class Sums:
    """What is kept of one layer while the images pass."""

    def __init__(self) -> None:
        self.count = 0
        self.total = self.squares = 0.0
        self.low = self.high = torch.empty(0)

    def add(self, output: Tensor) -> None:
        """Take in the outputs of a batch."""
        values = by_channel(output)
        wide = values.double()
        self.total += wide.sum().item()
        self.squares += wide.square().sum().item()
        low, high = values.amin(dim=(0, 2)), values.amax(dim=(0, 2))
        first = not self.count
        self.low = low if first else torch.minimum(self.low, low)
        self.high = high if first else torch.maximum(self.high, high)
        self.count += values.numel()

    def activity(self) -> Activity:
        """Return what they come to."""
        mean = self.total / self.count
        largest = torch.maximum(self.low.abs(), self.high.abs()).max()
        dead = (self.high - self.low <= STILL * largest).float().mean().item()
        spread = max(0.0, self.squares / self.count - mean**2) ** 0.5
        return Activity(mean=mean, spread=spread, dead=dead)


def activity(classifier: Explainable, images: Tensor) -> dict[str, Activity]:
    """Return the activity of every layer, by name, over images [N, 3, H, W] in [0, 1]."""
    model = classifier.model
    device = next(model.parameters()).device
    sums: dict[str, Sums] = {}

    def heard(name: str, module: nn.Module, output: Tensor) -> None:
        sums.setdefault(name, Sums()).add(output)

    for batch in images.split(BATCH):  # between two, another thread may ask too
        with classifier.lock, torch.no_grad(), listening(model, heard):
            model(batch.to(device))
    return {name: each.activity() for name, each in sums.items()}
