"""The table of pretrained networks: what each one is, and its stages from input to output."""

from functools import partial
from typing import Any

from cifar_core.models.pretrained import (
    RESOLUTION,
    VIT_PATCH,
    build,
    build_vgg,
    build_vit,
    torchvision_name,
)
from cifar_core.models.spec import ModelSpec, Stage
from cifar_core.models.vig import build_published
from cifar_core.models.vig_keys import ours as published_vig_name
from cifar_core.models.vig_sizes import SIZES, Sizes

USES = ("resolution", "plan")
VIT_NOTE = (
    "A transformer holds a list of patches and a class token, which mixes them by attention, so "
    "no layer has maps to weigh. Use a gradient method instead."
)


def stage(title: str, *prefixes: str) -> Stage:
    """Return a stage of modules, named as in torchvision's network."""
    return Stage(title=title, prefixes=tuple(f"body.{prefix}" for prefix in prefixes))


def features(title: str, first: int, last: int, *more: str) -> Stage:
    """Return a stage of the entries `first` to `last` of `features`, and of `more` modules."""
    return stage(title, *(f"features.{i}" for i in range(first, last + 1)), *more)


def vig_stages(sizes: Sizes) -> tuple[Stage, ...]:
    """Return stem, blocks and the layer before the last; equal blocks are split into three."""
    depths = sizes.depths
    if len(depths) == 1:
        third, rest = divmod(depths[0], 3)
        depths = (third, third, third + rest)
    parts, first = [stage("Stem", "stem", "pos_embed")], 0
    for number, depth in enumerate(depths, start=1):
        downsampling = 1 if number > 1 and len(sizes.depths) > 1 else 0
        blocks = range(first, first + depth + downsampling)
        last = ["head.0", "head.1"] if number == len(depths) else []
        parts.append(stage(f"Stage {number}", *(f"blocks.{i}" for i in blocks), *last))
        first = blocks.stop
    return tuple(parts)


def entry(key: str, title: str, summary: str, *, head: str, **more: Any) -> ModelSpec:
    """Return the entry of one of torchvision's networks."""
    options: dict[str, Any] = {"build": partial(build, key), "rename": torchvision_name, **more}
    return ModelSpec(
        key=f"{key}_imagenet",
        title=f"{title}, pretrained",
        summary=summary,
        family="Pretrained on ImageNet",
        input_size=RESOLUTION,
        uses=USES,
        weights=f"{key}_imagenet",
        head=f"body.{head}",
        **options,
    )


def resnet(key: str, title: str, summary: str) -> ModelSpec:
    """Return the entry of a ResNet."""
    return entry(
        key,
        title,
        summary,
        head="fc",
        cam_layer="body.layer3",
        stages=(
            stage("Stem", "conv1", "bn1"),
            *(stage(f"Stage {i}", f"layer{i}") for i in range(1, 5)),
        ),
        paper="https://arxiv.org/abs/1512.03385",
    )


def vgg(key: str, title: str, summary: str, *, ends: tuple[int, ...]) -> ModelSpec:
    """Return the entry of a VGG; `ends` are the indices of its poolings in `features`."""
    starts = [0, *(end + 1 for end in ends[:-1])]
    blocks = [
        features(f"Block {i}", first, last)
        for i, (first, last) in enumerate(zip(starts, ends, strict=True), start=1)
    ]
    return entry(
        key,
        title,
        summary,
        head="classifier.6",
        cam_layer=f"body.features.{ends[-1] - 1}",
        stages=(*blocks, stage("Linear layers", "classifier.0", "classifier.3")),
        paper="https://arxiv.org/abs/1409.1556",
        build=partial(build_vgg, key),
    )


def vig(key: str, title: str, summary: str, *, cam_block: int) -> ModelSpec:
    """Return the entry of one of the published Vision GNNs."""
    return entry(
        key,
        title,
        summary,
        head="head.4",
        cam_layer=f"body.blocks.{cam_block}",
        stages=vig_stages(SIZES[key]),
        paper="https://arxiv.org/abs/2206.00272",
        build=partial(build_published, SIZES[key], resolution=RESOLUTION),
        rename=published_vig_name,
    )


SPECS = [
    resnet("resnet18", "ResNet-18", "Small, quick and well understood: a good start."),
    resnet("resnet34", "ResNet-34", "ResNet-18 with twice the blocks and a little more accuracy."),
    resnet("resnet50", "ResNet-50", "Richer features (2,048 of them) at twice the cost."),
    vgg(
        "vgg16",
        "VGG16",
        "The classic of transfer learning, large and slow: 134 million weights.",
        ends=(4, 9, 16, 23, 30),
    ),
    vgg(
        "vgg16_bn",
        "VGG16 with batch norm",
        "The same with batch norm, which is easier to fine-tune.",
        ends=(6, 13, 23, 33, 43),
    ),
    entry(
        "mobilenet_v2",
        "MobileNetV2",
        "The cheapest of them per image: the one for a laptop.",
        head="classifier.1",
        cam_layer="body.features.13",
        stages=(
            features("Stem", 0, 1),
            features("Stage 1", 2, 3),
            features("Stage 2", 4, 6),
            features("Stage 3", 7, 13),
            features("Stage 4", 14, 18),
        ),
        paper="https://arxiv.org/abs/1801.04381",
    ),
    entry(
        "mobilenet_v3_large",
        "MobileNetV3 large",
        "MobileNetV2 refined by a search: as cheap and a little better.",
        head="classifier.3",
        cam_layer="body.features.12",
        stages=(
            features("Stem", 0, 1),
            features("Stage 1", 2, 3),
            features("Stage 2", 4, 6),
            features("Stage 3", 7, 12),
            features("Stage 4", 13, 16, "classifier.0"),
        ),
        paper="https://arxiv.org/abs/1905.02244",
    ),
    entry(
        "efficientnet_b0",
        "EfficientNet-B0",
        "Strong features for few weights; the usual choice for transfer at low cost.",
        head="classifier.1",
        cam_layer="body.features.5",
        stages=(
            features("Stem", 0, 1),
            features("Stage 1", 2, 2),
            features("Stage 2", 3, 3),
            features("Stage 3", 4, 5),
            features("Stage 4", 6, 8),
        ),
        paper="https://arxiv.org/abs/1905.11946",
    ),
    entry(
        "convnext_tiny",
        "ConvNeXt-Tiny",
        "A modern convolutional network, the best of the small ones on ImageNet.",
        head="classifier.2",
        cam_layer="body.features.5",
        stages=(
            features("Stage 1", 0, 1),
            features("Stage 2", 2, 3),
            features("Stage 3", 4, 5),
            features("Stage 4", 6, 7, "classifier.0"),
        ),
        paper="https://arxiv.org/abs/2201.03545",
    ),
    entry(
        "densenet121",
        "DenseNet-121",
        "Few weights, many maps: slow for its size, good features.",
        head="classifier",
        cam_layer="body.features.denseblock3",
        stages=(
            stage("Stem", "features.conv0", "features.norm0"),
            stage("Stage 1", "features.denseblock1"),
            stage("Stage 2", "features.transition1", "features.denseblock2"),
            stage("Stage 3", "features.transition2", "features.denseblock3"),
            stage("Stage 4", "features.transition3", "features.denseblock4", "features.norm5"),
        ),
        paper="https://arxiv.org/abs/1608.06993",
    ),
    entry(
        "vit_b_16",
        "ViT-B/16",
        "A large transformer on patches of 16 pixels; for a GPU and 224 pixels.",
        head="heads.head",
        cam_layer=None,
        cam_note=VIT_NOTE,
        stages=(
            stage("Patches", "conv_proj", "class_token", "encoder.pos_embedding"),
            *(
                stage(
                    f"Layers {first + 1} to {first + 4}",
                    *(f"encoder.layers.encoder_layer_{i}" for i in range(first, first + 4)),
                    *(["encoder.ln"] if first == 8 else []),
                )
                for first in (0, 4, 8)
            ),
        ),
        paper="https://arxiv.org/abs/2010.11929",
        build=build_vit,
        patch=VIT_PATCH,
    ),
    vig("vig_ti", "ViG-Ti", "The tiny Vision GNN of the paper.", cam_block=11),
    vig("vig_s", "ViG-S", "The small Vision GNN of the paper; for a GPU.", cam_block=15),
    vig("vig_b", "ViG-B", "The base Vision GNN of the paper; for a large GPU.", cam_block=15),
    vig("pvig_ti", "Pyramid ViG-Ti", "The tiny pyramid, the ViG to start with.", cam_block=11),
    vig("pvig_s", "Pyramid ViG-S", "The small pyramid; for a GPU.", cam_block=11),
    vig("pvig_m", "Pyramid ViG-M", "The medium pyramid; for a GPU.", cam_block=21),
    vig("pvig_b", "Pyramid ViG-B", "The base pyramid, the largest ViG.", cam_block=23),
]
