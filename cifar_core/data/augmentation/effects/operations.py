"""The operations of the policies, on images of uint8 in planes [n, 3, S, S].

Each gives the picture that torchvision.transforms.v2.functional gives for the same magnitude,
with bilinear resampling, but takes a magnitude [n, 1, 1, 1] for each image.
"""

from collections.abc import Callable, Mapping

import numpy as np
from torch import Tensor

from cifar_core.data.augmentation.effects.colors import gray_of
from cifar_core.data.augmentation.effects.effect import each, upload
from cifar_core.data.augmentation.effects.warp import Matrices, affine, warp
from cifar_core.data.augmentation.policies import Numbers, Round


def blend(planes: Tensor, other: Tensor, share: Tensor) -> Tensor:
    """Keep a share of the images and take the rest from others; a share above 1 exaggerates."""
    return planes.float().mul_(share).add_((1 - share) * other).clamp_(0, 255).byte()


def brightness(planes: Tensor, magnitudes: Tensor) -> Tensor:
    """Blend with black."""
    return planes.float().mul_(1 + magnitudes).clamp_(0, 255).byte()


def saturation(planes: Tensor, magnitudes: Tensor) -> Tensor:
    """Blend with the gray version."""
    return blend(planes, gray_of(planes.float()).floor_(), 1 + magnitudes)


def contrast(planes: Tensor, magnitudes: Tensor) -> Tensor:
    """Blend with the mean gray."""
    gray = gray_of(planes.float()).floor_()
    # whole numbers add up to the same however a batch is split among threads
    mean = gray.sum(3).int().sum(2) / gray[0].numel()
    return blend(planes, mean[..., None, None], 1 + magnitudes)


def sharpness(planes: Tensor, magnitudes: Tensor) -> Tensor:
    """Blend all but the border with a version smoothed by its eight neighbors."""
    levels = planes.float()
    inner = levels[..., 1:-1, 1:-1]
    rows = levels[..., :-2, :] + levels[..., 1:-1, :]
    rows += levels[..., 2:, :]
    smooth = rows[..., :-2] + rows[..., 1:-1]  # sums are twice as fast as a grouped convolution
    smooth += rows[..., 2:]
    smooth.add_(inner, alpha=4).div_(13).round_()
    inner.copy_(smooth.add_((inner - smooth).mul_(1 + magnitudes)))
    return levels.clamp_(0, 255).byte()


def posterize(planes: Tensor, magnitudes: Tensor) -> Tensor:
    """Keep only the highest bits of each level."""
    dropped = 8 - magnitudes.int()
    return planes & (0xFF << dropped).bitwise_and_(0xFF).byte()


def solarize(planes: Tensor, magnitudes: Tensor) -> Tensor:
    """Invert the levels from a threshold on."""
    inverted = (planes >= magnitudes.ceil().byte()).byte().neg_()  # 255 where it is, else 0
    return planes.bitwise_xor(inverted)


def autocontrast(planes: Tensor, _magnitudes: Tensor) -> Tensor:
    """Stretch each color to all levels."""
    from torchvision.transforms.v2 import functional

    return functional.autocontrast_image(planes)


def equalize(planes: Tensor, _magnitudes: Tensor) -> Tensor:
    """Make all levels of each color about equally frequent."""
    from torchvision.transforms.v2 import functional

    return functional.equalize_image(planes)


COLORS: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "brightness": brightness,
    "saturation": saturation,
    "contrast": contrast,
    "sharpness": sharpness,
    "posterize": posterize,
    "solarize": solarize,
    "autocontrast": autocontrast,
    "equalize": equalize,
}
GEOMETRY: Mapping[str, Callable[[Numbers, int], Matrices]] = {  # of magnitudes [n] and the side
    # sheared about the top left corner, as in AutoAugment
    "shear_x": lambda m, side: affine(len(m), shear_x=-m, right=-m * side / 2),
    "shear_y": lambda m, side: affine(len(m), shear_y=-m, down=-m * side / 2),
    "translate_x": lambda m, _: affine(len(m), right=np.trunc(m)),
    "translate_y": lambda m, _: affine(len(m), down=np.trunc(m)),
    "rotate": lambda m, _: affine(len(m), degrees=-m),
}


def applied(planes: Tensor, turn: Round) -> Tensor:
    """Apply a round to a batch, which stays as it is; images of one operation go together."""
    result, side, device = planes.clone(), planes.shape[-1], planes.device
    moved, matrices = [], []
    for index, name in enumerate(turn.names):
        where = np.flatnonzero(turn.chosen == index)
        magnitudes = turn.magnitudes[where]
        if not len(where):
            continue
        if name in GEOMETRY:
            moved.append(where)
            matrices.append(GEOMETRY[name](magnitudes, side))
        elif name in COLORS:
            at = upload(where, device)
            result[at] = COLORS[name](planes[at], each(magnitudes, device))
    if moved:
        at = upload(np.concatenate(moved), device)
        result[at] = warp(planes[at], np.concatenate(matrices))
    return result
