"""EfficientNet-B0: blocks like MobileNetV2's with channel attention, found by a search."""

from torch import nn

from cifar_core.models.scaling import Scaled
from cifar_core.models.spec import ModelSpec
from cifar_core.models.stems import FIVE_HALVINGS, halvings


def build(num_classes: int, *, side: int = 32) -> nn.Module:
    """Return torchvision's network; the first two of its five halvings come with the size."""
    from torchvision.models import efficientnet_b0

    body = efficientnet_b0(weights=None, num_classes=num_classes)
    if halvings(side) == 0:
        body.features[0][0].stride = (1, 1)
    if halvings(side) < 2:
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
        stems=FIVE_HALVINGS,
        paper="https://arxiv.org/abs/1905.11946",
    )
]
