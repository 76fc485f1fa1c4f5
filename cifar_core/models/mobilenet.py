"""MobileNetV2: convolves each channel alone, then mixes the channels; made for phones."""

from torch import nn

from cifar_core.models.scaling import Scaled
from cifar_core.models.spec import ModelSpec
from cifar_core.models.stems import FIVE_HALVINGS, halvings


def build(num_classes: int, *, side: int = 32) -> nn.Module:
    """Return torchvision's network, shrinking small images 8-fold instead of 32-fold.

    Of its five halvings the first two, which suit images of 224 pixels, come with the size.
    """
    from torchvision.models import mobilenet_v2

    body = mobilenet_v2(weights=None, num_classes=num_classes)
    if halvings(side) == 0:
        body.features[0][0].stride = (1, 1)
    if halvings(side) < 2:
        body.features[2].conv[1][0].stride = (1, 1)
    return Scaled(body)


SPECS = [
    ModelSpec(
        key="mobilenet_v2",
        title="MobileNetV2",
        summary="Small and frugal: a fifth of a ResNet-18's weights, made for phones.",
        family="Efficient",
        build=build,
        cam_layer="body.features.13",
        stems=FIVE_HALVINGS,
        paper="https://arxiv.org/abs/1801.04381",
    )
]
