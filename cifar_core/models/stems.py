"""One rule for all networks that are trained from scratch: how often the stem halves the image.

Networks for small images keep their first maps at the size of the image; those published for
ImageNet shrink 224 pixels to 56 first (ResNet: He et al. 2016, section 4.1). With this rule the
body sees maps of 28 to 56 places a side for images of 28 to 224 pixels, and a quarter of the side
beyond.
"""

from torch import nn

BOUNDARIES = (56, 112)  # pixels a side from which on images are halved once and twice
SEVEN_STEMS = (
    "3 x 3 convolution at the size of the image",
    "7 x 7 convolution with stride 2",
    "7 x 7 convolution with stride 2 and max pooling, as published for ImageNet",
)
FIVE_HALVINGS = (
    "without the first two of the five published halvings",
    "without the second of the five published halvings",
    "all five halvings, as published for ImageNet",
)
PLAIN_STEMS = (
    "3 x 3 convolution at the size of the image",
    "one more 3 x 3 convolution with stride 2 before the first",
    "two more 3 x 3 convolutions with stride 2 before the first",
)


def halvings(side: int) -> int:
    """Return how often a stem halves images of `side` pixels, so that 28 places a side are left."""
    return sum(side >= boundary for boundary in BOUNDARIES)


def multiple(side: int, patch: int) -> int:
    """Return the least multiple of `patch` that is at least `side`, both in pixels."""
    return -(-side // patch) * patch


def patch_stems(patch: int) -> tuple[str, ...]:
    """Return the stems of a network that cuts small images into patches of this side in pixels."""
    sides = [patch * 2**count for count in range(len(BOUNDARIES) + 1)]
    return tuple(f"patches of {side} x {side} pixels" for side in sides)


def halving_convs(side: int, channels: int) -> nn.Sequential | None:
    """Return 3 x 3 convolutions that halve images [N, 3, side, side], or None if there are none.

    The result has `channels` channels. They come before a network's own first convolution.
    """
    layers: list[nn.Module] = []
    for number in range(halvings(side)):
        inputs = channels if number else 3
        conv = nn.Conv2d(inputs, channels, kernel_size=3, stride=2, padding=1, bias=False)
        nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
        layers += [conv, nn.BatchNorm2d(channels), nn.ReLU()]
    return nn.Sequential(*layers) if layers else None
