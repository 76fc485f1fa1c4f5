"""Networks that start from ImageNet weights: small images are enlarged, the last layer is new.

They are the published networks, stems included, because others would not match the weights. Images
of 32 pixels are therefore enlarged: at that size the features hardly distinguish the classes.
Images as large as the resolution or larger pass as they are.
"""

import math
import re
from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cifar_core.errors import WeightsError
from cifar_core.models.scaling import Scaled
from cifar_core.models.stems import multiple

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
RESOLUTION = 128  # pixels a side, unless the settings say otherwise
VIT_PATCH = 16  # pixels a side
TOKENS = (1, 0, 2, 5)  # a class token; none; with one that distills; with four registers
DENSE = re.compile(r"(.*denselayer\d+\.(?:norm|relu|conv))\.([12]\..*)")  # norm.1 means norm1


def build(
    name: str, num_classes: int, *, side: int = 32, resolution: int = RESOLUTION, **options: Any
) -> nn.Module:
    """Return torchvision's network with fresh weights, behind enlargement and normalization.

    Images of `side` pixels are enlarged to `resolution` if that is more.
    """
    from torchvision import models

    body = models.get_model(name, weights=None, num_classes=num_classes, **options)
    enlarged = resolution if resolution > side else None
    return Scaled(body, mean=IMAGENET_MEAN, std=IMAGENET_STD, resolution=enlarged)


def build_vgg(
    name: str, num_classes: int, *, side: int = 32, resolution: int = RESOLUTION
) -> nn.Module:
    """Return a VGG without its slow initialization, whose values are replaced anyway."""
    return build(name, num_classes, side=side, resolution=resolution, init_weights=False)


def build_vit(num_classes: int, *, side: int = 32, resolution: int = RESOLUTION) -> nn.Module:
    """Return ViT-B/16; images that its patches do not divide are enlarged to the next multiple."""
    computed = multiple(max(side, resolution), VIT_PATCH)
    return build("vit_b_16", num_classes, side=side, resolution=computed, image_size=computed)


def torchvision_name(name: str) -> str:
    """Return our name for a tensor in one of torchvision's files."""
    old = DENSE.fullmatch(name)
    return f"body.{old[1]}{old[2]}" if old else f"body.{name}"


def take(model: nn.Module, head: str, tensors: Mapping[str, Tensor]) -> None:
    """Put pretrained tensors into a network, all but its last layer; raises WeightsError.

    Position embeddings are interpolated to the network's resolution.
    """
    own = model.state_dict()
    resized = {name: at_resolution(name, tensor, own.get(name)) for name, tensor in tensors.items()}
    try:
        left = model.load_state_dict(resized, strict=False)
    except RuntimeError as error:
        raise WeightsError(f"The weights are of another network: {error}") from error
    missing = [name for name in left.missing_keys if not name.startswith(head + ".")]
    if missing or left.unexpected_keys:
        strange = ", ".join([*missing, *left.unexpected_keys][:3])
        raise WeightsError(
            f"The weights are of another network: they lack or add {strange}. Choose those that "
            "were made for this one."
        )


def at_resolution(name: str, tensor: Tensor, own: Tensor | None) -> Tensor:
    """Return a published tensor at the resolution of the network, whose own tensor is `own`.

    Learned positions are interpolated; distance tables depend only on the grid.
    """
    if own is None or own.shape == tensor.shape:
        return tensor
    if name.endswith("relative_pos"):
        return own
    if name.endswith("pos_embed") and tensor.ndim == 4:  # [1, C, H, W]
        return interpolated(tensor, own.shape[-1])
    if name.endswith(("pos_embed", "pos_embedding")) and tensor.ndim == 3:  # [1, T + H * W, C]
        if (count := tokens(tensor.shape[1], own.shape[1])) is None:
            return tensor
        before, now = (math.isqrt(t.shape[1] - count) for t in (tensor, own))
        grid = tensor[:, count:].transpose(1, 2).unflatten(2, (before, before))
        positions = interpolated(grid, now).flatten(2).transpose(1, 2)
        return torch.cat([tensor[:, :count], positions], dim=1)
    return tensor


def tokens(before: int, now: int) -> int | None:
    """Return how many positions are of tokens besides the square grids; None if none would do."""
    for count in TOKENS:
        if all(n > count and math.isqrt(n - count) ** 2 == n - count for n in (before, now)):
            return count
    return None


def interpolated(grid: Tensor, side: int) -> Tensor:
    """Return maps [1, C, H, W] interpolated to `side` x `side`."""
    return F.interpolate(grid, (side, side), mode="bicubic", align_corners=True)
