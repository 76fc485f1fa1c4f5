"""EfficientNet-B0: blocks like MobileNetV2's with channel attention, found by a search."""

from torch import nn

from cifar_core.models.scaling import Scaled
from cifar_core.models.spec import ModelSpec


def build(num_classes: int) -> nn.Module:
    """Return torchvision's network without the first two of its five halvings."""
    from torchvision.models import efficientnet_b0

    body = efficientnet_b0(weights=None, num_classes=num_classes)
    body.features[0][0].stride = (1, 1)
    body.features[2][0].block[1][0].stride = (1, 1)
    return Scaled(body)


SPECS = [
    ModelSpec(
        key="efficientnet_b0",
        title="EfficientNet-B0",
        summary="Depth, width and resolution balanced by a search; best known for transfer.",
        family="Efficient",
        build=build,
        cam_layer="body.features.5",
        paper="https://arxiv.org/abs/1905.11946",
    )
]
