"""Changes the colors of images: jitter, and a share of them gray."""

import numpy as np
from torch import Tensor

from cifar_core.data.augmentation.augment import CONTRAST, SATURATION, Augment, Draws
from cifar_core.data.augmentation.effects.effect import Effect, upload

GRAY = (0.2989, 0.587, 0.114)  # share of red, green and blue in brightness, as in torchvision
GRAYSCALE = 103  # the purpose of its draws


def gray_of(images: Tensor) -> Tensor:
    """Return the brightness [n, 1, H, W] of images [n, 3, H, W], both of the same float type."""
    red, green, blue = images.unbind(1)
    return (red * GRAY[0]).add_(green, alpha=GRAY[1]).add_(blue, alpha=GRAY[2])[:, None]


def jitter(images: Tensor, kinds: Tensor, factors: Tensor) -> None:
    """Change brightness, contrast and saturation of images [n, 3, H, W], each in its own order.

    In each of three rounds, an image is blended with black (brightness), its mean gray (contrast)
    or its gray version (saturation), as `kinds` [3, n] says, and keeps the share in `factors`.
    """
    for kind, factor in zip(kinds, factors[..., None, None, None], strict=True):
        gray = gray_of(images)
        mean = gray.mean(dim=(2, 3), keepdim=True)
        with_mean = (1 - factor) * (kind == CONTRAST)[:, None, None, None]
        with_gray = (1 - factor) * (kind == SATURATION)[:, None, None, None]
        images.mul_(factor).add_(gray.mul_(with_gray).add_(mean * with_mean)).clamp_(0, 1)


def color_jitter(images: Tensor, augment: Augment, draws: Draws) -> Tensor:
    """Jitter as drawn for the epoch."""
    kinds, factors = (upload(values, images.device) for values in (draws.kinds, draws.factors))
    jitter(images, kinds, factors)
    return images


def grayscale(images: Tensor, augment: Augment, draws: Draws) -> Tensor:
    """Take the colors from a share of the images."""
    is_gray = draws.uniform(GRAYSCALE, 1)[:, 0] < augment.grayscale
    where = upload(np.flatnonzero(is_gray), images.device)
    images[where] = gray_of(images[where]).expand(-1, 3, -1, -1)
    return images


SPECS = [
    Effect(
        key="color_jitter",
        title="Color jitter",
        summary="Brightness, contrast and saturation in random order, each by a factor drawn "
        "evenly around 1, as torchvision's ColorJitter does without a hue.",
        uses=("color_jitter",),
        stage="planes",
        change=color_jitter,
    ),
    Effect(
        key="grayscale",
        title="Grayscale",
        summary="A share of the images loses its colors, as torchvision's RandomGrayscale does.",
        uses=("grayscale",),
        stage="planes",
        change=grayscale,
    ),
]
