"""DenseNet-121: every layer reads the maps of all layers before it in its stage."""

from torch import nn

from cifar_core.models.scaling import Scaled
from cifar_core.models.spec import ModelSpec
from cifar_core.models.stems import SEVEN_STEMS, halvings


def build(num_classes: int, *, side: int = 32) -> nn.Module:
    """Return torchvision's network with a stem that keeps small images at their size."""
    from torchvision.models import densenet121

    body = densenet121(weights=None, num_classes=num_classes)
    if halvings(side) == 0:
        body.features.conv0 = nn.Conv2d(3, 64, kernel_size=3, padding=1, bias=False)
        nn.init.kaiming_normal_(body.features.conv0.weight)
    if halvings(side) < 2:
        body.features.pool0 = nn.Identity()
    return Scaled(body)


SPECS = [
    ModelSpec(
        key="densenet121",
        title="DenseNet-121",
        summary="Layers share their features instead of learning them again; slow for its size.",
        family="Residual",
        build=build,
        cam_layer="body.features.denseblock3",
        stems=SEVEN_STEMS,
        paper="https://arxiv.org/abs/1608.06993",
    )
]
