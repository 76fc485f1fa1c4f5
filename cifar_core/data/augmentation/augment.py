"""Random changes of images, drawn from (seed, epoch) so that they can be repeated exactly."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from cifar_core.data.augmentation import philox
from cifar_core.data.augmentation.policies import NONE
from cifar_core.data.dataset import SIZE
from cifar_core.registry import Option, Registry

# streams of random numbers, so that turning one off does not change the others; 2 is the
# stream of the features' views
ORDER, AUGMENT, FLIP, CUTOUT, COLOR = 0, 1, 3, 4, 5
MEAN_COLOR = (125, 123, 114)  # of CIFAR-10, which the networks scale to about 0
BRIGHTNESS, CONTRAST, SATURATION = 0, 1, 2  # kinds of color change
SHOWN_BEFORE = 32  # bits above an image's index: how often the epoch has shown it before

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
    """The random choices for each image of an epoch: one entry per position in its order.

    All other choices are made when a batch needs them, by `uniform`.
    """

    seed: int
    epoch: int
    images: NDArray[np.int64]  # [N], the image at each position, and how often it came before
    rows: NDArray[np.int64]  # [N], top of the crop in the padded image, 0 to 2 * crop_padding
    columns: NDArray[np.int64]  # [N], left of the crop in the padded image
    flips: NDArray[np.bool_]  # [N], whether it is then mirrored left to right
    kinds: NDArray[np.int64]  # [3, N], the kinds of color change, in order
    factors: NDArray[np.float32]  # [3, N], and their factors; 1 changes nothing
    holes: NDArray[np.int64]  # [2, N], top and left of the square that is then blanked out

    def of(self, part: slice | NDArray[np.int64]) -> "Draws":
        """Return the choices for some of the positions."""
        arrays: dict[str, Any] = {
            name: value[..., part]
            for name, value in vars(self).items()
            if isinstance(value, np.ndarray)
        }
        return replace(self, **arrays)

    def uniform(self, purpose: int, count: int) -> NDArray[np.float64]:
        """Return `count` numbers in [0, 1) for each image, [N, count], of one purpose's stream."""
        return philox.uniform(self.seed, self.epoch, self.images, purpose, count)


@dataclass(frozen=True, kw_only=True)
class Augment:
    """The changes of an image: pad, crop, mirror, and then the effects, in their registry's order.

    Lengths in pixels are those of an image of 32 pixels, and grow with the image. With
    `random_resized_crop`, a random part of the picture is scaled to the image's size instead of
    padding and cropping it (Szegedy et al., 2015, section 6, https://arxiv.org/abs/1409.4842).
    With flip_mode "alternate", an image begins on a random side and is mirrored in every other
    epoch (Jordan, 2024, https://arxiv.org/abs/2404.00498).
    """

    crop_padding: int = 0  # pixels on each side
    padding_mode: str = "black"  # a key of PADDING_MODES
    random_resized_crop: float = 0.0  # the smallest share of a picture's area, 0 for none
    flip: bool = False
    flip_mode: str = "random"  # a key of FLIP_MODES
    rotation: float = 0.0  # at most so many degrees to either side
    zoom: float = 0.0  # at most so much larger or smaller, as a share
    shear: float = 0.0  # at most so many degrees to either side
    perspective: float = 0.0  # at most so far each corner moves, as a share of half the side
    policy: str = NONE  # a key of POLICIES
    policy_operations: int = 2
    policy_magnitude: int = 9
    policy_severity: int = 3
    color_jitter: float = 0.0  # 0 to 1
    grayscale: float = 0.0  # the share of the images
    blur: float = 0.0  # largest standard deviation, in pixels
    cutout: int = 0  # side of the square in pixels, 0 for none
    erasing: float = 0.0  # the share of the images

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
        room = side - scaled(self.cutout, side)
        holes = stream(seed, epoch, CUTOUT).integers(0, room + 1, size=(2, images))
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


def is_augmented(settings: Mapping[str, Any]) -> bool:
    """Whether the settings of a run change its images; those that say only how do not."""
    switches = (f.name for f in fields(Augment) if not f.default)
    return any(map(settings.get, switches)) or settings.get("policy", NONE) != NONE


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
