"""The rule of the verdicts until November 2026, kept to compare with: curves and ranks of patches.

A map that beats three maps made without the network in the curves and in the rank correlation over
64 random squares is supported, in one of them weak. `docs/trust.md` says why it was replaced.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import chain

import torch
from torch import Tensor

from cifar_core.explain.spec import Explainable
from cifar_core.explain.trust import Label
from cifar_core.explain.trust.curves import curves
from cifar_core.explain.trust.hiding import SUBSTRATES, hidden, logits
from cifar_core.explain.trust.ranks import spearman
from cifar_core.explain.trust.rivals import center, edges

PATCHES = 64  # four times as many changed the mean correlation from 0.74 to 0.73
SIDES = (4, 6, 8, 10)  # of 32 pixels
COPIES = 200  # moved copies that the chance level is taken from
PASSES = 1 + len(SUBSTRATES.pictures) * PATCHES
MARGIN = 0.05  # by which the gap of the curves must exceed every rival's
LEVEL = 0.05  # of the moved copies that may agree as well


def noise(image: Tensor) -> Tensor:
    """Return a random map [H, W], the same every time."""
    return torch.rand(image.shape[2:], generator=torch.Generator().manual_seed(0))


RIVALS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "random": noise, "edges": edges, "centre": center,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class OldYardstick:
    """What all maps of one picture and class were compared with."""

    fallen: Tensor  # [substrates, P]
    gap: float  # of the best rival
    agreement: float  # of the best rival


def measure(classifier: Explainable, image: Tensor, target: int) -> OldYardstick:
    """Hide the patches, and test the rivals; 333 passes."""
    fallen = falls(classifier, image, target)
    rivals = torch.stack([draw(image) for draw in RIVALS.values()])
    return OldYardstick(
        fallen=fallen,
        gap=max(curves(classifier, image, target, map_).gap for map_ in rivals),
        agreement=float(agreement(rivals, fallen).max()),
    )


def judge(
    classifier: Explainable, image: Tensor, target: int, map_: Tensor, yardstick: OldYardstick,
    *, doubted: bool,
) -> Label:  # fmt: skip
    """Return the old verdict on a map [H, W]; 68 passes."""
    by_curves = curves(classifier, image, target, map_).gap >= yardstick.gap + MARGIN
    agreed = float(agreement(map_[None], yardstick.fallen))
    by_patches = agreed > yardstick.agreement and chance(map_, yardstick.fallen) <= LEVEL
    if by_curves and by_patches and not doubted:
        return Label.SUPPORTED
    return Label.WEAK if by_curves or by_patches else Label.NO_BETTER


@cache
def patches(height: int, width: int) -> Tensor:
    """Return squares of four sizes at random positions, bool [P, H, W], the same every time."""
    generator = torch.Generator().manual_seed(1)
    masks = torch.zeros(PATCHES, height, width, dtype=torch.bool)
    for index, mask in enumerate(masks):
        side = max(1, SIDES[index % len(SIDES)] * min(height, width) // 32)
        top, left = (
            int(torch.randint(size - side + 1, (), generator=generator)) for size in (height, width)
        )
        mask[top : top + side, left : left + side] = True
    return masks


def falls(classifier: Explainable, image: Tensor, target: int) -> Tensor:
    """Return by how much the class's logit falls when each patch is hidden; [substrates, P].

    The image is [1, 3, H, W] in [0, 1]. It takes `PASSES` passes, for all maps of the image.
    """
    masks = patches(*image.shape[2:])[:, None]
    copies = [hidden(image, substrate, masks) for substrate in SUBSTRATES.of(image)]
    found = logits(classifier, chain([image], *copies))[:, target]
    whole, rest = found.split([1, PASSES - 1])
    return whole - rest.view(len(copies), -1)


def agreement(maps: Tensor, fallen: Tensor) -> Tensor:
    """Return the rank correlation [N] of the sums of maps [N, H, W] in the patches with the falls.

    The falls are [substrates, P]; the correlation is the mean over the substrates.
    """
    masks = patches(*maps.shape[1:]).flatten(1).to(maps)
    sums = maps.flatten(1) @ masks.T  # [N, P]
    return spearman(sums[:, None], fallen.expand(len(maps), -1, -1)).mean(dim=1)


def chance(map_: Tensor, fallen: Tensor) -> float:
    """Return the share of moved copies of a map [H, W] that agree with the network as well; p.

    The copies are rolled over the borders and mirrored, so that they are as smooth and as peaked
    as the map and only their position is wrong. A map that has only the right texture fails here.
    """
    generator = torch.Generator().manual_seed(2)
    height, width = map_.shape
    moved = [map_]
    for _ in range(COPIES):
        down, across = (
            int(torch.randint(size // 8, size - size // 8 + 1, (), generator=generator))
            for size in (height, width)
        )
        copy = map_.roll((down, across), dims=(0, 1))
        moved.append(copy.flip(1) if torch.rand((), generator=generator) < 0.5 else copy)
    own, *others = agreement(torch.stack(moved), fallen).split([1, COPIES])
    return float(((others[0] >= own).sum() + 1) / (COPIES + 1))
