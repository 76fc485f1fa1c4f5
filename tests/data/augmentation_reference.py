"""What earlier effects do to one image after the other, written with numpy alone."""

import numpy as np

from cifar_core.data.augmentation.augment import BRIGHTNESS, CONTRAST, MEAN_COLOR, SATURATION, pad
from cifar_core.data.augmentation.effects.colors import GRAY


def apply(augment, pixels, *, seed, epoch):
    """Augment images [N, H, W, 3] in 0..255 one by one."""
    height, width = pixels.shape[1:3]
    draws = augment.draw(len(pixels), seed=seed, epoch=epoch, side=height)
    padded = pad(pixels, augment.crop_padding, augment.padding_mode)
    views = np.empty_like(pixels)
    for index, (row, column) in enumerate(zip(draws.rows, draws.columns, strict=True)):
        crop = padded[index, row : row + height, column : column + width]
        view = crop[:, ::-1] if draws.flips[index] else crop
        views[index] = recolor(view, draws.kinds[:, index], draws.factors[:, index])
        top, left = draws.holes[:, index]
        views[index, top : top + augment.cutout, left : left + augment.cutout] = MEAN_COLOR
    return views


def recolor(image, kinds, factors):
    """Change an image [H, W, 3] by blending it in turn with black, its mean gray or its gray."""
    levels = image.astype(np.float32)
    for kind, factor in zip(kinds, factors, strict=True):
        gray = (levels @ np.array(GRAY, np.float32))[..., None]
        other = {BRIGHTNESS: 0, CONTRAST: gray.mean(), SATURATION: gray}[int(kind)]
        levels = np.clip(factor * levels + (1 - factor) * other, 0, 255)
    return levels.round().astype(np.uint8)
