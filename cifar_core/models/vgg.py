"""VGG: only 3 x 3 convolutions and pooling, stacked deep."""

from functools import partial

from torch import Tensor, nn

from cifar_core.models.scaling import Scaled
from cifar_core.models.spec import ModelSpec

PAPER = "https://arxiv.org/abs/1409.1556"


class SmallVGG(nn.Module):
    """The convolutions of VGG16 and one linear layer.

    The original's three linear layers have 120 million weights for maps of 7 x 7; at 32 pixels a
    single position remains, for which one layer is enough.
    """

    def __init__(self, num_classes: int, *, batch_norm: bool) -> None:
        from torchvision.models import vgg

        super().__init__()
        self.features = vgg.make_layers(vgg.cfgs["D"], batch_norm)  # [N, 512, H / 32, W / 32]
        self.classifier = nn.Linear(512, num_classes)
        for module in self.features.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                assert module.bias is not None
                nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Map scaled images [N, 3, 32, 32] to logits [N, K]."""
        logits: Tensor = self.classifier(self.features(x).mean(dim=(2, 3)))
        return logits


def build(num_classes: int, *, batch_norm: bool) -> nn.Module:
    """Return a fresh VGG16 for small images."""
    return Scaled(SmallVGG(num_classes, batch_norm=batch_norm))


SPECS = [
    ModelSpec(
        key="vgg16",
        title="VGG16",
        summary="The classic without normalization: needs a small rate and patience.",
        family="Convolutional",
        build=partial(build, batch_norm=False),
        cam_layer="body.features.15",
        paper=PAPER,
    ),
    ModelSpec(
        key="vgg16_bn",
        title="VGG16 with batch norm",
        summary="The same convolutions, each normalized: trains faster and ends better.",
        family="Convolutional",
        build=partial(build, batch_norm=True),
        cam_layer="body.features.22",
        paper=PAPER,
    ),
]
