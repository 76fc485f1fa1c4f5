"""The maps that are judged: real ones, the truth, and those that never saw the network."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.verdicts.networks import PLANTED, UNTRAINED, Subject
from cifar_core.explain import explain, suitable
from cifar_core.explain.baselines import blurred
from cifar_core.explain.trust.rivals import RIVALS, bright, center, colorful, edges

METHODS = ("gradient", "input_x_gradient", "integrated_gradients", "hires_cam", "grad_cam",
           "layer_cam", "occlusion", "rise", "deep_lift", "guided_backprop")  # fmt: skip
COPIED = ("gradient", "integrated_gradients", "hires_cam", "occlusion", "deep_lift")
CHEAP = ("gradient", "hires_cam", "deep_lift")  # of the untrained networks
HELD_OUT, BANK = "made from the picture alone, not in the bank", "the seven rivals of the bank"
REAL, TRUE, MINUS, OPPOSITE = "real", "true place", "minus the real map", "minus the true place"
MIRRORED, TURNED, OTHER, OTHER_RIGHT, STRANGER = (
    "real map, mirrored", "real map, turned by 90 degrees", "another picture's real map",
    "another picture's real map, same place", "an untrained network's map",
)  # fmt: skip
NEVER_SAW = (HELD_OUT, MIRRORED, TURNED, OTHER, STRANGER)


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A map to be judged."""

    group: str
    name: str
    map: Tensor  # [32, 32]
    method: str = ""  # whose completeness and sanity card count for it


def reals(subject: Subject) -> dict[str, Tensor]:
    """Return the maps [N, 32, 32] of every method that suits the network."""
    there = {spec.key for spec in suitable(subject.classifier)}
    return {key: explain(subject.classifier, subject.images, subject.targets, key)
            for key in METHODS if key in there}  # fmt: skip


def candidates(
    subject: Subject, index: int, real: dict[str, Tensor], strange: dict[str, Tensor]
) -> Iterator[Candidate]:
    """Yield the maps of one picture."""
    network, image = subject.network, subject.images[index : index + 1]
    other = (index + 1) % len(subject.images)
    for key, maps in real.items():
        yield Candidate(group=REAL, name=key, map=maps[index], method=key)
        if key in COPIED:
            yield Candidate(group=MINUS, name=key, map=-maps[index], method=key)
            yield Candidate(group=MIRRORED, name=key, map=maps[index].flip(1), method=key)
            yield Candidate(group=TURNED, name=key, map=maps[index].rot90(), method=key)
            group = OTHER_RIGHT if network.place == "fixed" else OTHER
            yield Candidate(group=group, name=key, map=maps[other], method=key)
    for key, maps in strange.items():
        yield Candidate(group=STRANGER, name=key, map=maps[index])
    for key, draw in RIVALS.items():
        yield Candidate(group=BANK, name=key, map=draw(image))
    for key, map_ in held_out(image, seed=1000 * network.seed + index):
        yield Candidate(group=HELD_OUT, name=key, map=map_)
    if subject.truth is not None and network.kind == PLANTED:
        mask = subject.truth[index].float()
        yield Candidate(group=TRUE, name="mask", map=mask)
        yield Candidate(group=TRUE, name="smoothed mask", map=smooth(mask, 1.0))
        yield Candidate(group=OPPOSITE, name="mask", map=-mask)


def held_out(image: Tensor, seed: int) -> Iterator[tuple[str, Tensor]]:
    """Yield twelve maps that are drawn without the network and are not among the rivals."""
    noise = torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(seed))
    mean = image.mean(dim=(2, 3), keepdim=True)
    box = F.avg_pool2d(F.pad(image, (2, 2, 2, 2), mode="replicate"), 5, stride=1)
    square = F.avg_pool2d(F.pad(image**2, (2, 2, 2, 2), mode="replicate"), 5, stride=1)
    yield "constant", torch.ones(32, 32)
    yield "random", noise[0]
    yield "random, smooth", smooth(noise[1], 2.0)
    yield "random, very smooth", smooth(noise[2], 4.0)
    yield "darkness", 1 - bright(image)
    yield "picture minus blurred", (image - blurred(image)).sum(dim=1)[0]
    yield "rarity of the color", (image - mean).norm(dim=1)[0]
    yield "local variance", (square - box**2).clamp_min(0).sum(dim=1)[0]
    yield "saturation", colorful(image) / image[0].amax(dim=0).clamp_min(0.05)
    yield "edges, smooth", smooth(edges(image), 2.0)
    yield "colors in the center", colorful(image) * center(image)
    yield "change of the slope", (image - box).abs().sum(dim=1)[0]


def smooth(map_: Tensor, sigma: float) -> Tensor:
    """Blur a map [H, W]; sigma in pixels."""
    return blurred(map_.expand(1, 3, -1, -1), sigma)[0, 0]


def strangers(subject: Subject, like: Subject) -> dict[str, Tensor]:
    """Return the maps that an untrained network of the same kind draws of the same pictures."""
    if subject.network.kind == UNTRAINED:
        return {}
    there = {spec.key for spec in suitable(like.classifier)}
    return {key: explain(like.classifier, subject.images, subject.targets, key)
            for key in CHEAP if key in there}  # fmt: skip


def on_patch(map_: Tensor, truth: Tensor) -> bool:
    """Return True if the highest window of 5 x 5 pixels of a map covers half of the true place."""
    windows = F.avg_pool2d(map_[None, None], 5, stride=1)[0, 0]
    top, left = divmod(int(windows.argmax()), windows.shape[1])
    return bool(2 * truth[top : top + 5, left : left + 5].sum() >= truth.sum())
