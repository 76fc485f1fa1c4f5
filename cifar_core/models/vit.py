"""Vision Transformer: cuts the image into patches and lets every patch attend to all others."""

from torch import nn

from cifar_core.models.scaling import Scaled
from cifar_core.models.spec import ModelSpec


def build(num_classes: int) -> nn.Module:
    """Return torchvision's network at a size for 32 pixels: 64 patches of 4 x 4, 9 layers."""
    from torchvision.models import VisionTransformer

    return Scaled(
        VisionTransformer(
            image_size=32,
            patch_size=4,
            num_layers=9,
            num_heads=3,
            hidden_dim=192,
            mlp_dim=768,
            num_classes=num_classes,
        )
    )


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
        paper="https://arxiv.org/abs/2010.11929",
    )
]
