"""ResNet-9: a short residual network that learns CIFAR-10 within minutes on a GPU."""

from torch import Tensor, nn

from cifar_core.models.scaling import Scaled
from cifar_core.models.spec import ModelSpec
from cifar_core.models.stems import PLAIN_STEMS, halving_convs

WIDTH = 64  # of the first convolution
LOGIT_SCALE = 0.125  # keeps the first losses small, so that training can start at a large rate


class ResNet9(nn.Module):
    """Four stages of widths 64, 128, 256, 512; two of them with a shortcut around two convs."""

    def __init__(self, num_classes: int, *, channels_in: int = 3) -> None:
        super().__init__()
        self.stem = conv_block(channels_in, WIDTH)  # [N, 64, H, W]
        self.stage1 = nn.Sequential(*conv_block(WIDTH, 128), nn.MaxPool2d(2), Shortcut(128))
        self.stage2 = nn.Sequential(*conv_block(128, 256), nn.MaxPool2d(2))
        self.stage3 = nn.Sequential(*conv_block(256, 512), nn.MaxPool2d(2), Shortcut(512))
        self.head = nn.Linear(512, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Map scaled images [N, 3, H, W], or the maps of a stem, to logits [N, K]."""
        x = self.stage3(self.stage2(self.stage1(self.stem(x))))  # [N, 512, H / 8, W / 8]
        logits: Tensor = self.head(x.amax(dim=(2, 3))) * LOGIT_SCALE
        return logits


class Shortcut(nn.Module):
    """Adds the output of two convolutions to their input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convs = nn.Sequential(*conv_block(channels, channels), *conv_block(channels, channels))

    def forward(self, x: Tensor) -> Tensor:
        """Return maps of the same shape [N, C, H, W]."""
        return x + self.convs(x)


def conv_block(channels_in: int, channels_out: int) -> nn.Sequential:
    """Convolve, normalize and activate."""
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, kernel_size=3, padding=1, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(),
    )


def build(num_classes: int, *, side: int = 32) -> nn.Module:
    """Return a fresh ResNet-9."""
    stem = halving_convs(side, WIDTH)
    return Scaled(ResNet9(num_classes, channels_in=WIDTH if stem else 3), stem=stem)


SPECS = [
    ModelSpec(
        key="resnet9",
        title="ResNet-9",
        summary="Four wide stages and two shortcuts: the most accuracy for a minute of training.",
        family="Residual",
        build=build,
        cam_layer="body.stage2",
        stems=PLAIN_STEMS,
        paper="https://github.com/davidcpage/cifar10-fast",
    )
]
