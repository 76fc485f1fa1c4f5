"""Small changes of a picture that keep its class; a robust network should tolerate them.

A few of the common corruptions of Hendrycks and Dietterich 2019, https://arxiv.org/abs/1903.12261,
with strengths for 32 x 32 pixels, and the shift and flip of training augmentation. At other sizes
distances grow with the side and noise has the grain of 32 x 32 pixels, so that a strength changes a
picture as much. Brightness and the quality of a JPEG mean the same at every size.
"""

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from cifar_core.data.dataset import SIZE
from cifar_core.registry import Registry

Pixels = NDArray[np.uint8]  # [N, H, W, 3]


@dataclass(frozen=True, kw_only=True)
class Disturbance:
    """One way to change pictures, at a few strengths, the mildest first."""

    key: str
    title: str
    summary: str
    unit: str  # format of a strength, such as "{:g} px"
    is_distance: bool = False  # strengths are pixels of 32 a side
    strengths: tuple[float, ...]
    apply: Callable[[Pixels, float, np.random.Generator], Pixels]

    def words(self, strength: float, side: int) -> str:
        """Return a strength as it acts on images of side x side pixels, such as 7 px."""
        return self.unit.format(distance(strength, side) if self.is_distance else strength)


def distance(pixels: float, side: int) -> float:
    """Return a distance in pixels of an image of `side` for one in pixels of an image of 32."""
    return pixels * side / SIZE


def shifted(pixels: Pixels, strength: float, rng: np.random.Generator) -> Pixels:
    """Move each picture up, down, left or right; the edge is repeated."""
    side = pixels.shape[1]
    d = max(1, round(distance(strength, side)))
    padded = np.pad(pixels, ((0, 0), (d, d), (d, d), (0, 0)), mode="edge")
    corners = np.array([(0, d), (2 * d, d), (d, 0), (d, 2 * d)])[rng.integers(0, 4, len(pixels))]
    moved = [p[y : y + side, x : x + side] for p, (y, x) in zip(padded, corners, strict=True)]
    return np.stack(moved)


def flipped(pixels: Pixels, strength: float, rng: np.random.Generator) -> Pixels:
    """Mirror each picture left to right."""
    return np.ascontiguousarray(pixels[:, :, ::-1])


def blurred(pixels: Pixels, radius: float, rng: np.random.Generator) -> Pixels:
    """Blur with a Gaussian whose standard deviation is `radius` pixels of an image of 32."""
    kernel = ImageFilter.GaussianBlur(distance(radius, pixels.shape[1]))
    return np.stack([np.asarray(Image.fromarray(image).filter(kernel)) for image in pixels])


def noisy(pixels: Pixels, deviation: float, rng: np.random.Generator) -> Pixels:
    """Add Gaussian noise; its standard deviation is a share of the range from black to white.

    It is drawn for 32 x 32 pixels, each of which covers several of a larger image.
    """
    grain = rng.normal(0, 255 * deviation, (len(pixels), SIZE, SIZE, 3))
    place = np.arange(pixels.shape[1]) * SIZE // pixels.shape[1]
    noise = grain[:, place][:, :, place]
    return (pixels + noise).round().clip(0, 255).astype(np.uint8)


def brightened(pixels: Pixels, factor: float, rng: np.random.Generator) -> Pixels:
    """Multiply each pixel by `factor`."""
    return (pixels * factor).round().clip(0, 255).astype(np.uint8)


def compressed(pixels: Pixels, quality: float, rng: np.random.Generator) -> Pixels:
    """Save as JPEG with a quality in 1..95, and open again."""
    return np.stack([through_jpeg(image, int(quality)) for image in pixels])


def through_jpeg(picture: Pixels, quality: int) -> Pixels:
    """Return a picture [H, W, 3] after JPEG compression."""
    file = BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file).convert("RGB"))


DISTURBANCES = Registry(
    "disturbance",
    [
        Disturbance(
            key="shift", title="Shift", summary="Moved in one of four directions.",
            unit="{:g} px", is_distance=True, strengths=(1, 2, 4), apply=shifted,
        ),
        Disturbance(
            key="flip", title="Flip", summary="Mirrored left to right.",
            unit="mirrored", strengths=(1,), apply=flipped,
        ),
        Disturbance(
            key="blur", title="Blur", summary="Gaussian blur, standard deviation in pixels.",
            unit="{:g} px", is_distance=True, strengths=(0.5, 1, 2), apply=blurred,
        ),
        Disturbance(
            key="noise", title="Noise", summary="Gaussian noise, standard deviation.",
            unit="{:.0%}", strengths=(0.02, 0.05, 0.1), apply=noisy,
        ),
        Disturbance(
            key="brightness", title="Brightness", summary="Each pixel multiplied by a factor.",
            unit="{:g} x", strengths=(1.25, 0.75, 0.5), apply=brightened,
        ),
        Disturbance(
            key="jpeg", title="JPEG", summary="Compressed as JPEG.",
            unit="quality {:g}", strengths=(75, 30, 10), apply=compressed,
        ),
    ],
)  # fmt: skip
