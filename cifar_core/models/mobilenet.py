"""MobileNetV2: convolves each channel alone, then mixes the channels; made for phones."""

from torch import nn

from cifar_core.models.scaling import Scaled
from cifar_core.models.spec import ModelSpec


def build(num_classes: int) -> nn.Module:
    """Return torchvision's network, shrinking the image 8-fold instead of 32-fold.

    The first two of its five halvings are left out, as they suit images of 224 pixels.
    """
    from torchvision.models import mobilenet_v2

    body = mobilenet_v2(weights=None, num_classes=num_classes)
    body.features[0][0].stride = (1, 1)
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
        paper="https://arxiv.org/abs/1801.04381",
    )
]
