"""ResNet: shortcuts around every two or three convolutions make deep networks trainable."""

from functools import partial

from torch import nn

from cifar_core.models.scaling import Scaled
from cifar_core.models.spec import ModelSpec
from cifar_core.models.stems import SEVEN_STEMS, halvings

PAPER = "https://arxiv.org/abs/1512.03385"


def build(name: str, num_classes: int, *, side: int = 32) -> nn.Module:
    """Return torchvision's network with a stem for images of `side` pixels.

    The original quarters the image before its first block, which is too coarse for small images.
    """
    from torchvision import models

    body = models.get_model(name, weights=None, num_classes=num_classes)
    if halvings(side) == 0:
        body.conv1 = nn.Conv2d(3, 64, kernel_size=3, padding=1, bias=False)
        nn.init.kaiming_normal_(body.conv1.weight, mode="fan_out", nonlinearity="relu")
    if halvings(side) < 2:
        body.maxpool = nn.Identity()
    return Scaled(body)


SPECS = [
    ModelSpec(
        key="resnet18",
        title="ResNet-18",
        summary="The usual reference: simple, strong and well understood.",
        family="Residual",
        build=partial(build, "resnet18"),
        cam_layer="body.layer3",
        stems=SEVEN_STEMS,
        paper=PAPER,
    ),
    ModelSpec(
        key="resnet34",
        title="ResNet-34",
        summary="ResNet-18 with twice the blocks; a little better for twice the time.",
        family="Residual",
        build=partial(build, "resnet34"),
        cam_layer="body.layer3",
        stems=SEVEN_STEMS,
        paper=PAPER,
    ),
    ModelSpec(
        key="resnet50",
        title="ResNet-50",
        summary="Blocks of three convolutions, squeezed in the middle: deep and still affordable.",
        family="Residual",
        build=partial(build, "resnet50"),
        cam_layer="body.layer3",
        stems=SEVEN_STEMS,
        paper=PAPER,
    ),
]
