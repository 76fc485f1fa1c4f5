"""Runs the frozen part of a network over images, as fast as the device allows."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from cifar_core.data.batches import Batches
from cifar_core.models.scaling import Scaled
from cifar_core.training.step.compiling import last_cause
from cifar_core.training.step.precision import Precision

Trunk = Callable[[Tensor], Tensor]  # images [N, 3, H, W] in [0, 1] -> features [N, D]
SAME = 1e-3  # relative difference that folding can cause in float32
UNCOMPILED = "The frozen part runs uncompiled."
NORMS = (nn.BatchNorm2d, nn.LayerNorm, nn.GroupNorm)
WORTH_COMPILING = 2 * 10**8  # pixels, as in 20,000 images of 96: fewer do not repay compiling
# measured: 2 to 3 times as fast with matrix units (AMX), no faster without
GAINS_BY_COMPILING = torch.cpu._is_amx_tile_supported


@dataclass(frozen=True)
class Extractor:
    """The frozen part, ready to run, and a sentence that says how it runs."""

    run: Trunk
    sentence: str
    batch_size: int = 0  # to which every batch is padded; 0 if any size works


def make_extractor(
    model: nn.Module, head: str, precision: Precision, *, side: int, pixels: int, batch_size: int
) -> Extractor:
    """Return the network up to its last layer, `head`, for images with `side` pixels a side.

    `pixels` is the size of the whole job, as the network computes it.
    Batch norm is folded into the convolutions, which in evaluation changes only the rounding. A
    large job is compiled if the CPU benefits; where compiling fails, the sentence says so.
    """
    trunk = trunk_of(model, head)
    device = next(model.parameters()).device
    probe = torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(0)).to(device)
    folded = fold(trunk)
    if different(trunk(probe), folded(probe)) > SAME:
        folded = (
            trunk  # norms do not follow convolutions, or rounding changes the result, as in graphs
        )
    if precision.key == "bfloat16":
        folded = shortened(folded)
    if device.type != "cpu" or not GAINS_BY_COMPILING() or pixels < WORTH_COMPILING:
        return Extractor(folded, UNCOMPILED)
    return compiled(folded, precision, (batch_size, 3, side, side))


def trunk_of(model: nn.Module, head: str) -> "Detached":
    """Return the network without its last layer, in evaluation mode, sharing its weights."""
    tensors = [*model.parameters(), *model.buffers()]
    trunk = copy.deepcopy(model, memo={id(tensor): tensor for tensor in tensors})
    trunk.set_submodule(head, nn.Identity())
    return Detached(trunk.eval())


class Detached(nn.Module):
    """A network without gradients, whose features are flat."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        """Map images [N, 3, H, W] in [0, 1] to features [N, D]."""
        features: Tensor = self.network(images)
        return features.flatten(1)


def fold(trunk: nn.Module) -> nn.Module:
    """Return a copy in which every batch norm directly after a convolution is part of it."""
    tensors = [*trunk.parameters(), *trunk.buffers()]
    folded = copy.deepcopy(trunk, memo={id(tensor): tensor for tensor in tensors})
    for module in list(folded.modules()):
        for (name, first), (next_name, second) in pairwise(list(module.named_children())):
            if isinstance(first, nn.Conv2d) and isinstance(second, nn.BatchNorm2d):
                setattr(module, name, fuse_conv_bn_eval(first, second))
                setattr(module, next_name, nn.Identity())
    return folded


class Shortened(nn.Module):
    """A network whose weights are bfloat16, which saves casting them for every batch."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = copy.deepcopy(body).to(torch.bfloat16)

    def forward(self, images: Tensor) -> Tensor:
        """Map images in any format to features in bfloat16."""
        features: Tensor = self.body(images.to(torch.bfloat16))
        return features


def shortened(trunk: nn.Module) -> nn.Module:
    """Return the network in bfloat16, unless it still has norms, which need more bits."""
    if not isinstance(trunk, Detached) or not isinstance(trunk.network, Scaled):
        return trunk
    if any(isinstance(module, NORMS) for module in trunk.modules()):
        return trunk
    short = copy.copy(trunk.network)
    short._modules = {**trunk.network._modules, "body": Shortened(trunk.network.body)}
    return Detached(short)


def different(before: Tensor, after: Tensor) -> float:
    """Return the norm of the difference, relative to `before`."""
    if before.shape != after.shape:
        return float("inf")
    return float((after - before).norm() / before.norm().clamp_min(1e-12))


def compiled(trunk: nn.Module, precision: Precision, shape: tuple[int, ...]) -> Extractor:
    """Compile the network after the enlargement for batches of a shape, with constant weights."""
    assert isinstance(trunk, Detached)
    network = trunk.network
    if not isinstance(network, Scaled):
        return Extractor(trunk, UNCOMPILED)
    body = network.body
    probe = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    try:
        network.body = torch.compile(body, dynamic=False, options={"freezing": True})  # type: ignore[assignment]
        with torch.no_grad(), precision.autocast():
            trunk(probe)
    except Exception as error:  # no C++ compiler, or a network that torch cannot compile
        network.body = body
        why = last_cause(error)
        return Extractor(
            trunk, f"The frozen part runs uncompiled, because it cannot be compiled: {why}"
        )
    return Extractor(trunk, "The frozen part was compiled for this processor.", shape[0])


def extract(
    extractor: Extractor, batches: Batches, precision: Precision, *, number: int = 0, start: int = 0
) -> Iterator[NDArray[np.float32]]:
    """Yield the features [n, D] of the images from position `start` on, batch by batch.

    `number` is the epoch whose augmentation is applied.
    """
    first, rest = divmod(start, batches.batch_size)
    for images, _ in batches.epoch(number, first):
        count = len(images)
        if count < extractor.batch_size:  # a compiled network accepts one size
            images = F.pad(images, (0, 0, 0, 0, 0, 0, 0, extractor.batch_size - count))
        with torch.no_grad(), precision.autocast():
            features = extractor.run(images)
        yield features[rest:count].float().cpu().numpy()
        rest = 0
