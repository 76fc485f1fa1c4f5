"""Names of networks from timm, `timm:NAME`, and what is known of some of them without timm.

timm (PyTorch Image Models, Wightman 2019) is an optional package:
https://github.com/huggingface/pytorch-image-models. NAME is its own name of a network with weights,
such as convnext_tiny.in12k_ft_in1k: the architecture, a dot, and how it was pretrained.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.util import find_spec
from typing import Any

from cifar_core.errors import UnknownKeyError

PREFIX = "timm:"
NAME = re.compile(r"\w{1,80}\.\w{1,80}", re.A)
INSTALL = "pip install -r requirements-timm.txt"


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """A network that is worth trying, and what it takes to use it."""

    name: str  # in timm
    title: str
    megabytes: int  # of its weights, 10^6 bytes
    license: str  # of its weights
    pretrained_on: str

    @property
    def key(self) -> str:
        """What the setting `model` calls it."""
        return PREFIX + self.name


def suggestion(
    name: str, title: str, megabytes: int, license: str, pretrained_on: str
) -> Suggestion:
    """Return a row of the table below."""
    return Suggestion(
        name=name, title=title, megabytes=megabytes, license=license, pretrained_on=pretrained_on
    )


SUGGESTIONS: Mapping[str, Suggestion] = {
    each.key: each
    for each in (
        suggestion(
            "mobilenetv4_conv_small.e2400_r224_in1k", "MobileNetV4 small", 15, "Apache 2.0",
            "ImageNet-1k",
        ),
        suggestion(
            "efficientnet_lite0.ra_in1k", "EfficientNet-Lite0", 19, "Apache 2.0", "ImageNet-1k"
        ),
        suggestion(
            "tf_efficientnetv2_b0.in1k", "EfficientNetV2-B0", 29, "Apache 2.0", "ImageNet-1k"
        ),
        suggestion(
            "convnext_nano.in12k_ft_in1k", "ConvNeXt-Nano", 62, "Apache 2.0",
            "ImageNet-12k, then ImageNet-1k",
        ),
        suggestion(
            "convnext_tiny.in12k_ft_in1k", "ConvNeXt-Tiny", 114, "Apache 2.0",
            "ImageNet-12k, then ImageNet-1k",
        ),
        suggestion("resnet50.a1_in1k", "ResNet-50, recipe A1", 102, "Apache 2.0", "ImageNet-1k"),
        suggestion(
            "vit_small_patch16_224.augreg_in21k_ft_in1k", "ViT-S/16", 88, "Apache 2.0",
            "ImageNet-21k, then ImageNet-1k",
        ),
        suggestion(
            "swin_tiny_patch4_window7_224.ms_in22k_ft_in1k", "Swin-T", 113, "MIT",
            "ImageNet-22k, then ImageNet-1k",
        ),
        suggestion(
            "vit_base_patch16_clip_224.openai", "CLIP ViT-B/16, images only", 345, "Apache 2.0",
            "400 million pictures with captions",
        ),
        suggestion(
            "vit_small_patch14_dinov2.lvd142m", "DINOv2 ViT-S/14", 88, "Apache 2.0",
            "142 million pictures without labels",
        ),
        suggestion(
            "vit_small_patch16_dinov3.lvd1689m", "DINOv3 ViT-S/16", 86, "DINOv3 License",
            "1.7 billion pictures without labels, by distillation",
        ),
        suggestion(
            "convnext_tiny.dinov3_lvd1689m", "DINOv3 ConvNeXt-Tiny", 111, "DINOv3 License",
            "1.7 billion pictures without labels, by distillation",
        ),
    )
}  # fmt: skip


def is_name(key: object) -> bool:
    """Return True if a key has the form of timm's names, whether or not there is such a network."""
    return isinstance(key, str) and key.startswith(PREFIX)


def obstacle() -> str:
    """Say why no network of timm can be used here, "" if they can."""
    if find_spec("timm") is not None:
        return ""
    return f"Networks from timm need the package timm, which is not installed here: {INSTALL}."


def name_of(key: str) -> str:
    """Return timm's name of a network; UnknownKeyError says what is wrong with the key."""
    name = key.removeprefix(PREFIX)
    if why := obstacle():
        raise UnknownKeyError(f"'{key}' cannot be used. {why}")
    if NAME.fullmatch(name) and name in pretrained_names():
        return name
    close = ", ".join(PREFIX + one for one in alike(name))
    raise UnknownKeyError(
        f"timm has no network with weights called '{name}'. "
        + (f"Close to it: {close}." if close else f"One that it has is {next(iter(SUGGESTIONS))}.")
    )


def alike(name: str) -> list[str]:
    """Return up to three names like this one: those of the same architecture, else close ones."""
    names = pretrained_names()
    same = [one for one in names if one.partition(".")[0] == name.partition(".")[0]]
    return same[:3] or get_close_matches(name, names, n=3)


@cache
def pretrained_names() -> tuple[str, ...]:
    """Return the names of all networks for which timm has weights; this loads torch and timm."""
    from timm.models import list_pretrained

    return tuple(list_pretrained())


def published(key: str) -> Any:
    """Return what timm says of a network's weights, its PretrainedCfg; raises UnknownKeyError."""
    name = name_of(key)
    from timm.models import get_pretrained_cfg

    return get_pretrained_cfg(name)
