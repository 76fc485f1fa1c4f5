"""Vision Transformer: cuts the image into patches and lets every patch attend to all others."""

from torch import nn

from cifar_core.models.scaling import Scaled
from cifar_core.models.spec import ModelSpec
from cifar_core.models.stems import halvings, multiple, patch_stems

PATCH = 4  # pixels a side of a patch of a small image


def build(num_classes: int, *, side: int = 32) -> nn.Module:
    """Return torchvision's network at a size for small images: 9 layers, 64 patches at 32 pixels.

    The patches grow with the image. Images that they do not divide are enlarged to the next
    multiple.
    """
    from torchvision.models import VisionTransformer

    patch = PATCH * 2 ** halvings(side)
    computed = multiple(side, patch)
    body = VisionTransformer(
        image_size=computed,
        patch_size=patch,
        num_layers=9,
        num_heads=3,
        hidden_dim=192,
        mlp_dim=768,
        num_classes=num_classes,
    )
    return Scaled(body, resolution=computed if computed > side else None)


SPECS = [
    ModelSpec(
        key="vit_small",
        title="Small Vision Transformer",
        summary="Attention without convolutions; on small data sets it needs long training.",
        family="Transformer",
        build=build,
        cam_layer=None,
        cam_note="A transformer holds a list of patches and a class token, which mixes them by "
        "attention, so no layer has maps to weigh. Use a gradient method instead.",
        patch=PATCH,
        stems=patch_stems(PATCH),
        paper="https://arxiv.org/abs/2010.11929",
    )
]
