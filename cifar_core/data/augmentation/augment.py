"""Random changes of images, drawn from (seed, epoch) so that they can be repeated exactly."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from cifar_core.data.dataset import SIZE
from cifar_core.registry import Option, Registry

# streams of random numbers, so that turning one off does not change the others; 2 is the
# stream of the features' views
ORDER, AUGMENT, FLIP, CUTOUT, COLOR = 0, 1, 3, 4, 5
MEAN_COLOR = (125, 123, 114)  # of CIFAR-10, which the networks scale to about 0
BRIGHTNESS, CONTRAST, SATURATION = 0, 1, 2  # kinds of color change
SHOWN_BEFORE = 32  # bits above an image's index: how often the epoch has shown it before
GRAY = (0.2989, 0.587, 0.114)  # share of red, green and blue in brightness, as in torchvision

FLIP_MODES = Registry(
    "way of mirroring",
    [
        Option(
            key="random",
            title="At random",
            summary="About half of the images are mirrored, drawn again in each epoch.",
        ),
        Option(
            key="alternate",
            title="Alternating",
            summary="Each image is mirrored in every other epoch.",
        ),
    ],
)
PADDING_MODES = Registry(
    "border",
    [
        Option(key="black", title="Black", summary="The new border is black."),
        Option(key="reflect", title="Reflected", summary="The new border mirrors the edge."),
    ],
)


@dataclass(frozen=True, kw_only=True)
class Draws:
    """The random choices for each image of an epoch: one entry per position in its order."""

    seed: int
    epoch: int
    images: NDArray[np.int64]  # [N], the image at each position, and how often it came before
    rows: NDArray[np.int64]  # [N], top of the crop in the padded image, 0 to 2 * crop_padding
    columns: NDArray[np.int64]  # [N], left of the crop in the padded image
    flips: NDArray[np.bool_]  # [N], whether it is then mirrored left to right
    kinds: NDArray[np.int64]  # [3, N], the kinds of color change, in order
    factors: NDArray[np.float32]  # [3, N], and their factors; 1 changes nothing
    holes: NDArray[np.int64]  # [2, N], top and left of the square that is then blanked out


@dataclass(frozen=True, kw_only=True)
class Augment:
    """The changes of an image, in this order: pad, crop, mirror, change colors, cut out.

    Lengths in pixels are those of an image of 32 pixels, and grow with the image. With
    `random_resized_crop`, a random part of the picture is scaled to the image's size instead of
    padding and cropping it (Szegedy et al., 2015, section 6, https://arxiv.org/abs/1409.4842).

    Colors change as in torchvision's ColorJitter: brightness, contrast and saturation in random
    order, each by a factor that is uniform in 1 - color_jitter to 1 + color_jitter. With flip_mode
    "alternate", an image begins on a random side and is mirrored in every other epoch (Jordan,
    2024, https://arxiv.org/abs/2404.00498). Cutout fills a square at a random position entirely
    inside the image with the data's mean color (DeVries and Taylor, 2017,
    https://arxiv.org/abs/1708.04552, whose square can also extend beyond the edge).
    """

    crop_padding: int = 0  # pixels on each side
    padding_mode: str = "black"  # a key of PADDING_MODES
    random_resized_crop: float = 0.0  # the smallest share of a picture's area, 0 for none
    flip: bool = False
    flip_mode: str = "random"  # a key of FLIP_MODES
    color_jitter: float = 0.0  # 0 to 1
    cutout: int = 0  # side of the square in pixels, 0 for none

    @classmethod
    def from_settings(cls, values: Mapping[str, Any]) -> Self:
        """Select the augmentation settings from those of a run, which have the same names."""
        return cls(**{f.name: values[f.name] for f in fields(cls)})

    def padding(self, side: int) -> int:
        """Return by how many pixels images of `side` pixels are shifted at most."""
        return 0 if self.random_resized_crop else scaled(self.crop_padding, side)

    def draw(
        self,
        images: int,
        *,
        seed: int,
        epoch: int,
        side: int = 32,
        order: NDArray[np.int64] | None = None,
    ) -> Draws:
        """Draw for a whole epoch at once; the same (seed, epoch) gives the same draws.

        `order` has the index of the image at each position, None if in turn; `side` is in pixels.
        """
        random = stream(seed, epoch, AUGMENT)
        rows, columns = random.integers(0, 2 * self.padding(side) + 1, size=(2, images))
        flips = random.random(images) < 0.5
        if self.flip_mode == "alternate":
            first = stream(seed, 0, FLIP).random(images) < 0.5
            flips = (first if order is None else first[order]) ^ bool(epoch % 2)
        kinds, factors = self._draw_colors(images, stream(seed, epoch, COLOR))
        holes = stream(seed, epoch, CUTOUT).integers(0, side - self.cutout + 1, size=(2, images))
        return Draws(
            seed=seed,
            epoch=epoch,
            images=np.arange(images) if order is None else appearances(order),
            rows=rows,
            columns=columns,
            flips=flips & self.flip,
            kinds=kinds,
            factors=factors,
            holes=holes,
        )

    def _draw_colors(
        self, images: int, random: np.random.Generator
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        kinds = np.tile(np.arange(3)[:, None], images)  # [3, N]
        if not self.color_jitter:
            return kinds, np.ones((3, images), np.float32)
        spread = random.uniform(-self.color_jitter, self.color_jitter, size=(3, images))
        return random.permuted(kinds, axis=0), (1 + spread).astype(np.float32)

    def apply(self, pixels: NDArray[np.uint8], *, seed: int, epoch: int) -> NDArray[np.uint8]:
        """Augment images [N, H, W, 3] in 0..255 one by one, for a preview without torch."""
        height, width = pixels.shape[1:3]
        draws = self.draw(len(pixels), seed=seed, epoch=epoch, side=height)
        padded = pad(pixels, self.padding(height), self.padding_mode)
        views = np.empty_like(pixels)
        for index, (row, column) in enumerate(zip(draws.rows, draws.columns, strict=True)):
            crop = padded[index, row : row + height, column : column + width]
            view = crop[:, ::-1] if draws.flips[index] else crop
            views[index] = recolor(view, draws.kinds[:, index], draws.factors[:, index])
            top, left = draws.holes[:, index]
            views[index, top : top + self.cutout, left : left + self.cutout] = MEAN_COLOR
        return views


def recolor(
    image: NDArray[np.uint8], kinds: NDArray[np.int64], factors: NDArray[np.float32]
) -> NDArray[np.uint8]:
    """Change an image [H, W, 3] by blending it in turn with black, its mean gray or its gray."""
    levels = image.astype(np.float32)
    for kind, factor in zip(kinds, factors, strict=True):
        gray = (levels @ np.array(GRAY, np.float32))[..., None]
        other = {BRIGHTNESS: 0, CONTRAST: gray.mean(), SATURATION: gray}[int(kind)]
        levels = np.clip(factor * levels + (1 - factor) * other, 0, 255)
    return levels.round().astype(np.uint8)


def is_augmented(settings: Mapping[str, Any]) -> bool:
    """Whether the settings of a run change its images; the modes alone, which are texts, do not."""
    return any(settings.get(f.name) for f in fields(Augment) if not isinstance(f.default, str))


def scaled(pixels: float, side: int) -> int:
    """Turn a length in an image of 32 pixels into that in an image of `side`, both in pixels."""
    return round(pixels * side / SIZE)


def appearances(order: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number the images [N] of an order so that one that comes again has another number.

    It is the image's index, with how often it came before in the bits above SHOWN_BEFORE: a rare
    class repeats its images within an epoch, and each time they are to look different.
    """
    by_image = np.argsort(order, kind="stable")
    ranked = order[by_image]
    before = np.empty_like(order)
    before[by_image] = np.arange(len(order)) - np.searchsorted(ranked, ranked)
    return order + (before << SHOWN_BEFORE)


def order(images: int, *, seed: int, epoch: int) -> NDArray[np.int64]:
    """Return the shuffled order of an epoch."""
    return stream(seed, epoch, ORDER).permutation(images)


def stream(seed: int, epoch: int, purpose: int) -> np.random.Generator:
    """Return a separate generator for one purpose in one epoch."""
    return np.random.default_rng([seed, epoch, purpose])


def pad(pixels: NDArray[np.uint8], padding: int, mode: str = "black") -> NDArray[np.uint8]:
    """Add a border of `padding` pixels to images [N, H, W, 3]; `mode` is a key of PADDING_MODES."""
    return border(pixels, padding, padding, mode)


def border(
    pixels: NDArray[np.uint8], before: int, after: int, mode: str = "black"
) -> NDArray[np.uint8]:
    """Add `before` pixels above and to the left of images [N, H, W, 3], and `after` beyond them."""
    if not before and not after:
        return pixels  # uncopied, and perhaps still in their file
    around = ((0, 0), (before, after), (before, after), (0, 0))
    return np.pad(pixels, around, mode="reflect" if mode == "reflect" else "constant")
