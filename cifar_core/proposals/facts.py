"""The facts that a proposal depends on: about the images, and about the machine."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cifar_core.devices.device import Inventory
from cifar_core.weights import WEIGHTS, find

if TYPE_CHECKING:
    from cifar_core.data.dataset import Dataset

SAMPLE = 256  # images that are checked for color


@dataclass(frozen=True, kw_only=True)
class ImageFacts:
    """The training images: how many there are of each class, their size, and if they have color."""

    classes: tuple[str, ...]
    per_class: tuple[int, ...]  # in the order of `classes`
    pixels: int = 32  # of the shorter side, as the images are kept
    gray: bool = False

    @property
    def smallest(self) -> int:
        """The number of images of the class that has the fewest."""
        return min(self.per_class, default=0)

    @property
    def rarest(self) -> str:
        """The class that has the fewest images; the first of several."""
        return self.classes[self.per_class.index(self.smallest)] if self.classes else ""

    @property
    def commonest(self) -> str:
        """The class that has the most images; the first of several."""
        return self.classes[self.per_class.index(max(self.per_class))] if self.classes else ""

    @property
    def imbalance(self) -> float:
        """How many times the images of the smallest class the largest one has."""
        return max(self.per_class, default=0) / max(1, self.smallest)

    @property
    def total(self) -> int:
        """The number of all training images."""
        return sum(self.per_class)


@dataclass(frozen=True, kw_only=True)
class MachineFacts:
    """The machine: whether it has a GPU, and which ImageNet weights it has or can get."""

    gpu: bool = False
    weights: frozenset[str] = frozenset()  # keys of the weights that are here
    fetchable: bool = True  # whether missing ones can be downloaded

    def can_have(self, weights: str) -> bool:
        """Whether a network with these weights can be trained; "" stands for none."""
        return not weights or self.fetchable or weights in self.weights


def facts_of(dataset: "Dataset") -> ImageFacts:
    """Return the facts about a dataset that is decoded already."""
    from cifar_core.data.dataset import counts

    sample = np.asarray(dataset.train.pixels[:: max(1, len(dataset.train) // SAMPLE)])
    return ImageFacts(
        classes=dataset.classes,
        per_class=tuple(counts(dataset.train.labels, dataset.classes)),
        pixels=min(dataset.train.pixels.shape[1:3]),
        gray=bool((sample == sample[..., :1]).all()),
    )


def machine_facts(inventory: Inventory, store: Path, *, fetchable: bool = True) -> MachineFacts:
    """Return the facts about this machine; a GPU that cannot be used does not count."""
    return MachineFacts(
        gpu=any(not device.is_cpu for device in inventory.devices),
        weights=frozenset(key for key in WEIGHTS if find(key, store)),
        fetchable=fetchable,
    )
