"""Random shifts and mirror images, drawn from (seed, epoch) so that any moment can be replayed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ORDER, AUGMENT = 0, 1  # two streams, so that switching one off leaves the other as it was


@dataclass(frozen=True, kw_only=True)
class Draws:
    """What happens to each image of an epoch: one entry per position in its order."""

    rows: NDArray[np.int64]  # [N], top of the crop in the padded image, 0 to 2 * crop_padding
    columns: NDArray[np.int64]  # [N], left of the crop in the padded image
    flips: NDArray[np.bool_]  # [N], whether it is then mirrored left to right


@dataclass(frozen=True, kw_only=True)
class Augment:
    """The standard augmentation: pad with black, crop at a random place, mirror half of them."""

    crop_padding: int = 0  # pixels on each side
    flip: bool = False

    def draw(self, images: int, *, seed: int, epoch: int) -> Draws:
        """Draw for a whole epoch at once; the same (seed, epoch) gives the same draws."""
        random = stream(seed, epoch, AUGMENT)
        rows, columns = random.integers(0, 2 * self.crop_padding + 1, size=(2, images))
        flips = (random.random(images) < 0.5) & self.flip
        return Draws(rows=rows, columns=columns, flips=flips)

    def apply(self, pixels: NDArray[np.uint8], *, seed: int, epoch: int) -> NDArray[np.uint8]:
        """Augment images [N, H, W, 3] one by one, for a preview without torch."""
        draws = self.draw(len(pixels), seed=seed, epoch=epoch)
        height, width = pixels.shape[1:3]
        padded = pad(pixels, self.crop_padding)
        views = []
        for image, row, column, flip in zip(
            padded, draws.rows, draws.columns, draws.flips, strict=True
        ):
            crop = image[row : row + height, column : column + width]
            views.append(crop[:, ::-1] if flip else crop)
        return np.stack(views) if views else pixels


def order(images: int, *, seed: int, epoch: int) -> NDArray[np.int64]:
    """Return the shuffled order of an epoch."""
    return stream(seed, epoch, ORDER).permutation(images)


def stream(seed: int, epoch: int, purpose: int) -> np.random.Generator:
    """Return a generator of its own for one purpose in one epoch."""
    return np.random.default_rng([seed, epoch, purpose])


def pad(pixels: NDArray[np.uint8], padding: int) -> NDArray[np.uint8]:
    """Add a black border of `padding` pixels to images [N, H, W, 3]."""
    return np.pad(pixels, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
