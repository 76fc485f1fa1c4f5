"""Wide ResNet: fewer and wider layers than a ResNet, activated before each convolution."""

import torch.nn.functional as F
from torch import Tensor, nn

from cifar_core.models.scaling import Scaled
from cifar_core.models.spec import ModelSpec
from cifar_core.models.stems import PLAIN_STEMS, halving_convs

WIDTH = 16  # of the first convolution


class WideResNet(nn.Module):
    """Three stages of `blocks` blocks, of widths 16, 32 and 64 times `widen`."""

    def __init__(self, num_classes: int, *, blocks: int, widen: int, channels_in: int = 3) -> None:
        super().__init__()
        self.stem = nn.Conv2d(channels_in, WIDTH, kernel_size=3, padding=1, bias=False)
        self.stage1 = stage(WIDTH, 16 * widen, blocks, stride=1)  # [N, C, H, W]
        self.stage2 = stage(16 * widen, 32 * widen, blocks, stride=2)  # [N, 2C, H / 2, W / 2]
        self.stage3 = stage(32 * widen, 64 * widen, blocks, stride=2)  # [N, 4C, H / 4, W / 4]
        self.last = nn.Sequential(nn.BatchNorm2d(64 * widen), nn.ReLU())
        self.head = nn.Linear(64 * widen, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """Map scaled images [N, 3, H, W], or the maps of a stem, to logits [N, K]."""
        x = self.last(self.stage3(self.stage2(self.stage1(self.stem(x)))))
        logits: Tensor = self.head(x.mean(dim=(2, 3)))
        return logits


class WideBlock(nn.Module):
    """Normalizes, activates and convolves twice, and adds the result to its input."""

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(channels_in)
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, stride, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels_out)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, padding=1, bias=False)
        same = channels_in == channels_out and stride == 1
        self.fit = None if same else nn.Conv2d(channels_in, channels_out, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map [N, C, H, W] to [N, D, H / stride, W / stride]."""
        active = F.relu(self.norm1(x))
        shortcut = x if self.fit is None else self.fit(active)
        return shortcut + self.conv2(F.relu(self.norm2(self.conv1(active))))


def stage(channels_in: int, channels_out: int, blocks: int, *, stride: int) -> nn.Sequential:
    """Return blocks at one resolution, the first of which changes width and resolution."""
    first = WideBlock(channels_in, channels_out, stride)
    return nn.Sequential(
        first, *(WideBlock(channels_out, channels_out, 1) for _ in range(blocks - 1))
    )


def build(num_classes: int, *, side: int = 32) -> nn.Module:
    """Return a fresh network of 16 layers, four times as wide as a ResNet."""
    stem = halving_convs(side, WIDTH)
    body = WideResNet(num_classes, blocks=2, widen=4, channels_in=WIDTH if stem else 3)
    return Scaled(body, stem=stem)


SPECS = [
    ModelSpec(
        key="wide_resnet16_4",
        title="Wide ResNet 16-4",
        summary="Sixteen layers, four times as wide: strong on small images for its size.",
        family="Residual",
        build=build,
        cam_layer="body.last",
        stems=PLAIN_STEMS,
        paper="https://arxiv.org/abs/1605.07146",
    )
]
