"""Statistics of the layers over many images: mean, spread and dead channels.

A channel is dead if it has the same value at every position of every image: it then carries no
information about the image. After a ReLU that is a unit that never fires. With few images, a
rarely active channel looks dead too.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from cifar_core.batching import images_at_once
from cifar_core.explain import Explainable
from cifar_core.inside.layers import by_channel, watched

BATCH = 32  # images at once, at most; of each layer only sums are kept
STILL = 1e-6  # differences that count as none, as a share of the layer's largest value


@dataclass(frozen=True, kw_only=True)
class Activity:
    """Statistics of a layer's activations over a set of images."""

    mean: float
    spread: float  # standard deviation over images, channels and positions
    dead: float  # share of the channels, in [0, 1]


class Sums:
    """Running sums of one layer while the images pass."""

    def __init__(self) -> None:
        self.count = 0
        self.total = self.squares = 0.0
        self.low = self.high = torch.empty(0)

    def add(self, output: Tensor) -> None:
        """Add the outputs of a batch."""
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
        """Return the statistics so far."""
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

    def add(name: str, module: nn.Module, output: Tensor) -> None:
        sums.setdefault(name, Sums()).add(output)

    most = min(BATCH, images_at_once(classifier.side))
    for batch in images.split(most):  # in between, another thread can use the network
        with classifier.lock, torch.no_grad(), watched(model, add):
            model(batch.to(device))
    return {name: layer.activity() for name, layer in sums.items()}
