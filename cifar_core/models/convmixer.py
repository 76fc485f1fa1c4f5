"""ConvMixer: patches, then convolutions that mix either positions or channels."""

from torch import Tensor, nn

from cifar_core.models.scaling import Scaled
from cifar_core.models.spec import ModelSpec
from cifar_core.models.stems import halvings, patch_stems

PATCH = 2  # pixels a side of a patch of a small image


class ConvMixer(nn.Module):
    """One resolution throughout: `depth` blocks of `width` channels on square patches.

    Pixels at the right and lower border that fill no patch are left out.
    """

    def __init__(
        self, num_classes: int, *, width: int, depth: int, patch: int, kernel: int = 5
    ) -> None:
        super().__init__()
        self.stem = activated(nn.Conv2d(3, width, patch, stride=patch))
        self.blocks = nn.Sequential(*(ConvMixerBlock(width, kernel) for _ in range(depth)))
        self.head = nn.Linear(width, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Map scaled images [N, 3, H, W] to logits [N, K]."""
        logits: Tensor = self.head(self.blocks(self.stem(x)).mean(dim=(2, 3)))
        return logits


class ConvMixerBlock(nn.Module):
    """Mixes the positions of each channel, with a shortcut, then the channels of each position."""

    def __init__(self, width: int, kernel: int) -> None:
        super().__init__()
        self.places = activated(nn.Conv2d(width, width, kernel, padding="same", groups=width))
        self.channels = activated(nn.Conv2d(width, width, kernel_size=1))

    def forward(self, x: Tensor) -> Tensor:
        """Return maps of the same shape [N, C, H, W]."""
        mixed: Tensor = self.channels(x + self.places(x))
        return mixed


def activated(conv: nn.Conv2d) -> nn.Sequential:
    """Return a convolution followed by GELU and batch norm."""
    return nn.Sequential(conv, nn.GELU(), nn.BatchNorm2d(conv.out_channels))


def build(num_classes: int, *, side: int = 32) -> nn.Module:
    """Return a fresh ConvMixer-256/8 whose patches grow with the image."""
    patch = PATCH * 2 ** halvings(side)
    return Scaled(ConvMixer(num_classes, width=256, depth=8, patch=patch))


SPECS = [
    ModelSpec(
        key="convmixer_256_8",
        title="ConvMixer-256/8",
        summary="A transformer's structure built from convolutions: few weights, many steps.",
        family="Convolutional",
        build=build,
        cam_layer="body.blocks",
        stems=patch_stems(PATCH),
        paper="https://arxiv.org/abs/2201.09792",
    )
]
