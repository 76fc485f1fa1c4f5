"""Saliency maps as pictures: color where pixels mattered, the plain photo elsewhere."""

import numpy as np
import numpy.typing as npt
from PIL import Image

from cifar_core.palette import AGAINST, HEAT, SUPPORTS

Floats = npt.NDArray[np.float32]
Box = tuple[int, int, int, int]  # left, top, right, bottom in pixels

SQUARES = 2.0  # times as large, from which on pixels are drawn as squares
LONGEST_SIDE = 1024  # pixels: enough for a screen, and the time grows with the area
DIMMED = 0.55  # brightness of what the network did not see


def limit_of(*maps: npt.ArrayLike, percentile: float = 99.0) -> float:
    """Return the magnitude to draw in full color; one for several maps makes them comparable.

    The few strongest pixels are cut off, or one of them would leave the others pale.
    """
    sizes = np.abs(np.concatenate([np.asarray(map_, np.float32).ravel() for map_ in maps]))
    return float(np.percentile(sizes, percentile) or sizes.max())


def normalize(map_: npt.ArrayLike, percentile: float = 99.0, limit: float | None = None) -> Floats:
    """Scale a map [H, W] to [-1, 1], cutting off what exceeds the limit; zero stays zero."""
    values = np.asarray(map_, np.float32)
    limit = limit_of(values, percentile=percentile) if limit is None else limit
    return np.clip(values / limit, -1, 1) if limit > 0 else np.zeros_like(values)


def overlay(
    image: Image.Image,
    map_: npt.ArrayLike,
    *,
    box: Box | None = None,
    signed: bool = False,
    opacity: float = 0.85,
    limit: float | None = None,
    keep: float = 1.0,
) -> Image.Image:
    """Lay a map [H, W] over a picture; the more a pixel mattered, the more color it gets.

    `box` is the region of the picture that the network saw (all of it if None); the rest is
    dimmed. `limit` is the value in full color, from the map if None; `keep` is the share
    of the pixels, the strongest, that get color. The picture keeps its size unless its longer
    side exceeds 1024.
    """
    photo = image.convert("RGB")
    photo.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    left, top, right, bottom = scaled(box or (0, 0, *image.size), image.size, photo.size)
    values = normalize(strongest(softened(map_), keep), limit=limit)
    level = stretched(values, right - left, bottom - top)
    pixels = np.asarray(photo, np.float32)
    result = pixels * DIMMED
    share = (opacity * np.abs(level))[..., None]
    seen = pixels[top:bottom, left:right]
    result[top:bottom, left:right] = (1 - share) * seen + share * colors(level, signed=signed)
    return Image.fromarray(np.uint8(result.round()))


def enlarge(image: Image.Image, side: int = 320) -> Image.Image:
    """Resize a picture, its longer side to `side`; pixels of small ones are left as squares."""
    factor = side / max(image.size)
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    squares = factor >= SQUARES
    return image.resize(size, Image.Resampling.NEAREST if squares else Image.Resampling.BICUBIC)


def colors(level: Floats, *, signed: bool) -> Floats:
    """Return the color [H, W, 3] in 0..255 of values in [-1, 1]."""
    if signed:
        return np.where(level[..., None] >= 0, rgb(SUPPORTS), rgb(AGAINST))
    stops = np.linspace(0, 1, len(HEAT))
    channels = np.stack([rgb(code) for code in HEAT], axis=1)  # [3, stops]
    bands = [np.interp(np.abs(level), stops, channel) for channel in channels]
    return np.stack(bands, axis=-1).astype(np.float32)


def rgb(code: str) -> Floats:
    """Turn "#rrggbb" into three numbers in 0..255."""
    return np.array([int(code[start : start + 2], 16) for start in (1, 3, 5)], np.float32)


def softened(map_: npt.ArrayLike) -> Floats:
    """Average each pixel [H, W] with its neighbors, 1 2 1 across and down: specks become spots.

    A map of more than 32 pixels a side is averaged several times, because its specks are smaller.
    """
    values = np.asarray(map_, np.float32)
    for _ in range(max(1, round(max(values.shape) / 32))):
        wide = np.pad(values, 1, mode="edge")
        tall = wide[:, :-2] + 2 * wide[:, 1:-1] + wide[:, 2:]
        values = (tall[:-2] + 2 * tall[1:-1] + tall[2:]) * np.float32(1 / 16)
    return values


def strongest(map_: npt.ArrayLike, share: float) -> Floats:
    """Set all but the strongest share of a map's values to 0, regardless of their sign."""
    values = np.asarray(map_, np.float32)
    if share >= 1:
        return values
    least = np.quantile(np.abs(values), 1 - share)
    return np.where(np.abs(values) >= least, values, np.float32(0))


def stretched(values: Floats, width: int, height: int) -> Floats:
    """Resize a map smoothly to a region's size; still in [-1, 1]."""
    picture = Image.fromarray(values).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(picture, np.float32).clip(-1, 1)  # bicubic curves overshoot at edges


def scaled(box: Box, before: tuple[int, int], after: tuple[int, int]) -> Box:
    """Scale a box with a picture that was resized; it keeps at least one pixel."""
    across, down = after[0] / before[0], after[1] / before[1]
    left = min(round(box[0] * across), after[0] - 1)
    top = min(round(box[1] * down), after[1] - 1)
    right, bottom = round(box[2] * across), round(box[3] * down)
    return left, top, max(right, left + 1), max(bottom, top + 1)
