"""Changes the pixels of a whole batch at once, on the device and without waiting for it."""

import torch
from torch import Tensor

from cifar_core.data.augmentation.augment import (
    CONTRAST,
    GRAY,
    MEAN_COLOR,
    SATURATION,
    Augment,
    Draws,
)
from cifar_core.data.augmentation.floats import Floats


class Effects:
    """Turns crops into a network's input, with the effects drawn for an epoch."""

    def __init__(self, augment: Augment, draws: Draws, device: torch.device) -> None:
        self.augment, self.floats = augment, Floats()
        self.holes = torch.from_numpy(draws.holes).to(device)
        self.kinds = torch.from_numpy(draws.kinds).to(device)
        self.factors = torch.from_numpy(draws.factors).to(device)
        self.filling = torch.tensor(MEAN_COLOR, device=device) / 255

    def __call__(self, pixels: Tensor, part: slice) -> Tensor:
        """Turn pixels [n, H, W, 3] into images [n, 3, H, W] in [0, 1], stored channels-last."""
        images = self.floats(pixels)
        if self.augment.color_jitter:
            planes = images.permute(0, 3, 1, 2).contiguous()  # three times as fast as interleaved
            jitter(planes, self.kinds[:, part], self.factors[:, part])
            images = planes.permute(0, 2, 3, 1).contiguous()
        if self.augment.cutout:
            cut_out(images, self.holes[:, part], self.augment.cutout, self.filling)
        return images.permute(0, 3, 1, 2)


def jitter(images: Tensor, kinds: Tensor, factors: Tensor) -> None:
    """Change brightness, contrast and saturation of images [n, 3, H, W], each in its own order.

    In each of three rounds, an image is blended with black (brightness), its mean gray (contrast)
    or its gray version (saturation), as `kinds` [3, n] says, and keeps the share in `factors`.
    """
    for kind, factor in zip(kinds, factors[..., None, None, None], strict=True):
        red, green, blue = images.unbind(1)
        gray = (red * GRAY[0]).add_(green, alpha=GRAY[1]).add_(blue, alpha=GRAY[2])[:, None]
        mean = gray.mean(dim=(2, 3), keepdim=True)
        with_mean = (1 - factor) * (kind == CONTRAST)[:, None, None, None]
        with_gray = (1 - factor) * (kind == SATURATION)[:, None, None, None]
        images.mul_(factor).add_(gray.mul_(with_gray).add_(mean * with_mean)).clamp_(0, 1)


def cut_out(images: Tensor, holes: Tensor, side: int, filling: Tensor) -> None:
    """Fill a square of each image [n, H, W, 3]; `holes` [2, n] are their tops and lefts."""
    count, height, width, _ = images.shape
    here = torch.arange(max(count, side), device=images.device)
    square = here[:side, None] * width + here[:side]  # [side, side], as the pixels are numbered
    tops, lefts = holes
    corners = here[:count] * (height * width) + tops * width + lefts
    images.view(-1, 3)[(corners[:, None, None] + square).flatten()] = filling
