"""VGG: only 3 x 3 convolutions and pooling, stacked deep."""

from functools import partial
from math import ceil

from torch import Tensor, nn

from cifar_core.models.scaling import Scaled
from cifar_core.models.spec import ModelSpec
from cifar_core.models.stems import PLAIN_STEMS, halving_convs, halvings

PAPER = "https://arxiv.org/abs/1409.1556"
WIDTH = 64  # of its first convolution


class SmallVGG(nn.Module):
    """The convolutions of VGG16 and one linear layer, which reads the mean over the positions.

    The original's three linear layers have 120 million weights for maps of 7 x 7; at 32 pixels a
    single position remains, for which one layer is enough. The last pooling needs `side`, that of
    the maps that the body is given, to be at least 32 and is left out of smaller ones.
    """

    def __init__(
        self, num_classes: int, *, batch_norm: bool, side: int, channels_in: int = 3
    ) -> None:
        from torchvision.models import vgg

        super().__init__()
        self.features = vgg.make_layers(vgg.cfgs["D"], batch_norm)  # [N, 512, H / 32, W / 32]
        if channels_in != 3:
            self.features[0] = nn.Conv2d(channels_in, WIDTH, kernel_size=3, padding=1)
        if side < 32:
            self.features[-1] = nn.Identity()
        self.classifier = nn.Linear(512, num_classes)
        for module in self.features.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                assert module.bias is not None
                nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Map scaled images [N, 3, H, W], or the maps of a stem, to logits [N, K]."""
        logits: Tensor = self.classifier(self.features(x).mean(dim=(2, 3)))
        return logits


def build(num_classes: int, *, side: int = 32, batch_norm: bool) -> nn.Module:
    """Return a fresh VGG16 for images of `side` pixels."""
    stem, maps = halving_convs(side, WIDTH), ceil(side / 2 ** halvings(side))
    channels = WIDTH if stem else 3
    body = SmallVGG(num_classes, batch_norm=batch_norm, side=maps, channels_in=channels)
    return Scaled(body, stem=stem)


SPECS = [
    ModelSpec(
        key="vgg16",
        title="VGG16",
        summary="The classic without normalization: needs a small rate and patience.",
        family="Convolutional",
        build=partial(build, batch_norm=False),
        cam_layer="body.features.15",
        stems=PLAIN_STEMS,
        paper=PAPER,
    ),
    ModelSpec(
        key="vgg16_bn",
        title="VGG16 with batch norm",
        summary="The same convolutions, each normalized: trains faster and ends better.",
        family="Convolutional",
        build=partial(build, batch_norm=True),
        cam_layer="body.features.22",
        stems=PLAIN_STEMS,
        paper=PAPER,
    ),
]
