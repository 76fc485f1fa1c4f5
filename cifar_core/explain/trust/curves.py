"""How the class's probability changes while a picture is taken away or built up in a map's order.

Deletion and insertion of Petsiuk et al. 2018 (RISE, arXiv 1806.07421, section 4.2), averaged over
two ways to hide a pixel, because each favors maps that use it as their baseline.
"""

from dataclasses import dataclass
from itertools import chain

import torch
from torch import Tensor

from cifar_core.explain.spec import Explainable
from cifar_core.explain.trust.hiding import SUBSTRATES, hidden, logits

POINTS = 17  # 65 changed the gap of integrated gradients from 0.72 to 0.74
PASSES = 2 * POINTS * len(SUBSTRATES.pictures)  # for one map


@dataclass(frozen=True, kw_only=True)
class ErasingCurves:
    """The class's probability after each equal share of the pixels, from none to all."""

    insertion: tuple[float, ...]  # the map's highest pixels are shown first
    deletion: tuple[float, ...]  # the map's highest pixels are hidden first

    @property
    def gap(self) -> float:
        """Area under insertion minus area under deletion, -1 to 1; high if the order is right."""
        return area(self.insertion) - area(self.deletion)


def area(curve: tuple[float, ...]) -> float:
    """Return the mean height of a curve of evenly spaced points, by trapezoids."""
    return (sum(curve) - (curve[0] + curve[-1]) / 2) / (len(curve) - 1)


def curves(classifier: Explainable, image: Tensor, target: int, map_: Tensor) -> ErasingCurves:
    """Remove the pixels of an image [1, 3, H, W], and add them, in the order of a map [H, W]."""
    highest = top_shares(map_)
    copies = [
        hidden(image, substrate, masks)
        for substrate in SUBSTRATES.of(image)
        for masks in (~highest, highest)
    ]
    probabilities = logits(classifier, chain(*copies)).softmax(dim=1)[:, target]
    insertion, deletion = probabilities.view(-1, 2, POINTS).mean(dim=0).tolist()
    return ErasingCurves(insertion=tuple(insertion), deletion=tuple(deletion))


def top_shares(map_: Tensor) -> Tensor:
    """Return masks of the highest 0, 1/16, ... 16/16 of a map [H, W]; bool [17, 1, H, W]."""
    order = map_.flatten().argsort(descending=True, stable=True).argsort()
    counts = torch.linspace(0, map_.numel(), steps=POINTS).round()
    return (order < counts[:, None]).view(POINTS, 1, *map_.shape)
