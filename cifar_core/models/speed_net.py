"""The speed networks: made to learn CIFAR-10 in the least time, after Keller Jordan's airbench94.

Their initialization makes them quick: the first convolution is computed from the images, and the
others start as identities. Their norms learn no scale.
"""

from functools import partial

import torch
from torch import Tensor, nn

from cifar_core.models.scaling import Scaled
from cifar_core.models.spec import ModelSpec
from cifar_core.models.stems import halvings

PAPER = "https://arxiv.org/abs/2404.00498"  # Jordan 2024, "94 % on CIFAR-10 in 3.29 Seconds"
LEAST_VARIANCE = 5e-4  # added to each direction's variance, to keep whitening from amplifying noise
EARLY = ("body.whitening",)  # what is trained in the first `whitening_epochs` only
WHITENED_PIXELS = 5000 * 32**2  # of the images that whitening is computed from, which bounds memory
WHITENED_STEMS = (
    "whitened patches",
    "whitened patches and one 3 x 3 convolution with stride 2",
    "whitened patches and two 3 x 3 convolutions with stride 2",
)
NORM_MOMENTUM = 0.4  # of the running statistics; torch's 0.1 is too slow for short runs


class Whitening(nn.Module):
    """A convolution that turns patches into uncorrelated values of equal spread, plus negatives.

    Its filters are the directions in which patches vary most, set by `take_filters`; they are kept
    in the state_dict and never trained, so that they need no gradient. At first they are random.
    Biases, if there are any, are trained.
    """

    weight: Tensor
    bias: nn.Parameter | None

    def __init__(self, size: int, stride: int, filters: int, *, biased: bool = False) -> None:
        super().__init__()
        assert filters % 2 == 0, "each direction comes with its negative"
        self.size, self.stride = size, stride
        half = torch.empty(filters // 2, 3, size, size)
        nn.init.orthogonal_(half)
        self.register_buffer("weight", torch.cat([half, -half]))
        limit = (3 * size**2) ** -0.5  # torch's own for the biases of such a convolution
        bias = nn.Parameter(torch.empty(filters).uniform_(-limit, limit)) if biased else None
        self.register_parameter("bias", bias)

    def forward(self, x: Tensor) -> Tensor:
        """Map [N, 3, H, W] to [N, filters, H', W'], padded only where the stride is above 1."""
        padding = (self.size - self.stride) // 2
        return nn.functional.conv2d(x, self.weight, self.bias, self.stride, padding)

    @torch.no_grad()
    def take_filters(self, images: Tensor) -> None:
        """Set the filters to the eigenvectors of the patches of scaled images [N, 3, H, W].

        Of images with more than WHITENED_PIXELS pixels in all, evenly spaced ones are used.
        """
        pixels = images.shape[0] * images.shape[2] * images.shape[3]
        images = images[:: -(-pixels // WHITENED_PIXELS)]
        patches = images.unfold(2, self.size, 1).unfold(3, self.size, 1)
        rows = patches.permute(0, 2, 3, 1, 4, 5).reshape(-1, 3 * self.size**2)
        covariance = (rows.T @ rows / len(rows)).cpu().double()
        variance, directions = torch.linalg.eigh(covariance)  # the largest last
        scaled = (directions / (variance + LEAST_VARIANCE).sqrt()).T.flip(0)
        half = scaled[: len(self.weight) // 2].reshape(-1, *self.weight.shape[1:])
        self.weight.copy_(torch.cat([half, -half]))


class ShiftedNorm(nn.BatchNorm2d):
    """Batch norm that learns a shift but no scale, which the next convolution has anyway."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, momentum=NORM_MOMENTUM)
        del self.weight
        self.register_buffer("weight", torch.ones(channels), persistent=False)


class ConvGroup(nn.Module):
    """Convolve, halve the maps, normalize, activate; a second time, if `deep`, without halving."""

    def __init__(self, channels_in: int, channels: int, *, deep: bool) -> None:
        super().__init__()
        self.conv1, self.pool = identity_conv(channels_in, channels), nn.MaxPool2d(2)
        self.norm1, self.activation = ShiftedNorm(channels), nn.GELU()
        self.conv2 = identity_conv(channels, channels) if deep else nn.Identity()
        self.again = nn.Sequential(ShiftedNorm(channels), nn.GELU()) if deep else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Map [N, C, H, W] to [N, channels, H // 2, W // 2]."""
        x = self.activation(self.norm1(self.pool(self.conv1(x))))
        maps: Tensor = self.again(self.conv2(x))
        return maps


def identity_conv(channels_in: int, channels: int, *, stride: int = 1) -> nn.Conv2d:
    """Return a convolution whose first filters copy their inputs (partial identity)."""
    conv = nn.Conv2d(channels_in, channels, 3, stride, padding=1, bias=False)
    nn.init.dirac_(conv.weight[: min(channels_in, channels)].data)
    return conv


class SpeedNet(nn.Module):
    """Whitening and three groups of the given widths; a shallow first one has one convolution.

    The whitened maps of images of 56 pixels and more are halved before the groups.
    """

    def __init__(
        self,
        num_classes: int,
        whitening: Whitening,
        widths: tuple[int, int, int],
        *,
        side: int,
        deep_start: bool = True,
    ) -> None:
        super().__init__()
        self.whitening, self.activation = whitening, nn.GELU()
        whitened, count = len(whitening.weight), halvings(side)
        self.halvings = nn.Sequential(*(halving(whitened) for _ in range(count))) if count else None
        inputs = (whitened, *widths[:-1])
        deep = (deep_start, True, True)
        self.groups = nn.Sequential(
            *(ConvGroup(i, o, deep=d) for i, o, d in zip(inputs, widths, deep, strict=True))
        )
        self.head = nn.Linear(widths[-1], num_classes, bias=False)
        nn.init.normal_(self.head.weight)
        self.scale = (
            1 / widths[-1]
        )  # small first losses, so that training can start at a large rate

    def forward(self, x: Tensor) -> Tensor:
        """Map scaled images [N, 3, H, W] to logits [N, K]."""
        x = self.activation(self.whitening(x))
        if self.halvings is not None:
            x = self.halvings(x)
        x = self.groups(x)
        logits: Tensor = self.head(x.amax(dim=(2, 3))) * self.scale
        return logits


def halving(channels: int) -> nn.Sequential:
    """Convolve with stride 2, starting as every second value of each map; normalize, activate."""
    conv = identity_conv(channels, channels, stride=2)
    return nn.Sequential(conv, ShiftedNorm(channels), nn.GELU())


def speed_net(
    num_classes: int, *, widths: tuple[int, int, int], side: int = 32, whitening_epochs: int = 0
) -> nn.Module:
    """Return a fresh network of airbench94's shape: whitening of 2 x 2 patches, pixel by pixel."""
    whitening = Whitening(size=2, stride=1, filters=24, biased=whitening_epochs > 0)
    return Scaled(SpeedNet(num_classes, whitening, widths, side=side))


def strided(
    num_classes: int, *, widths: tuple[int, int, int], side: int = 32, whitening_epochs: int = 0
) -> nn.Module:
    """Return a fresh network that whitens patches of 4 x 4, two pixels apart."""
    whitening = Whitening(size=4, stride=2, filters=48, biased=whitening_epochs > 0)
    return Scaled(SpeedNet(num_classes, whitening, widths, side=side, deep_start=False))


def whiten(model: nn.Module, images: Tensor) -> None:
    """Compute the first filters of a fresh network from images [N, 3, H, W] in [0, 1]."""
    assert isinstance(model, Scaled)
    assert isinstance(model.body, SpeedNet)
    model.body.whitening.take_filters((images - model.mean) / model.std)


SPECS = [
    ModelSpec(
        key="speed_net",
        title="Speed network",
        summary="Six convolutions behind whitened patches, made to reach 94 % in seconds on a GPU.",
        family="Convolutional",
        build=partial(speed_net, widths=(64, 256, 256)),
        prepare=whiten,
        uses=("whitening_epochs",),
        early=EARLY,
        cam_layer="body.groups.1.conv1",
        stems=WHITENED_STEMS,
        paper=PAPER,
    ),
    ModelSpec(
        key="speed_net_small",
        title="Speed network, half as wide",
        summary="The same with 32, 128 and 128 filters, at a quarter of the cost.",
        family="Convolutional",
        build=partial(speed_net, widths=(32, 128, 128)),
        prepare=whiten,
        uses=("whitening_epochs",),
        early=EARLY,
        cam_layer="body.groups.1.conv1",
        stems=WHITENED_STEMS,
        paper=PAPER,
    ),
    ModelSpec(
        key="speed_net_strided",
        title="Speed network for a CPU",
        summary="Five convolutions on a quarter of the pixels: the most accuracy for a CPU minute.",
        family="Convolutional",
        build=partial(strided, widths=(32, 64, 128)),
        prepare=whiten,
        uses=("whitening_epochs",),
        early=EARLY,
        cam_layer="body.groups.1.conv1",
        stems=WHITENED_STEMS,
        paper=PAPER,
    ),
    ModelSpec(
        key="speed_net_strided_wide",
        title="Speed network for a CPU, wider",
        summary="The same with 48, 96 and 192 filters, which pays off after two minutes on a CPU.",
        family="Convolutional",
        build=partial(strided, widths=(48, 96, 192)),
        prepare=whiten,
        uses=("whitening_epochs",),
        early=EARLY,
        cam_layer="body.groups.1.conv1",
        stems=WHITENED_STEMS,
        paper=PAPER,
    ),
]
