"""Opens pictures that people upload, within limits, and extracts the part that a network sees."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from cifar_core.data.pictures.reading import Reading, read
from cifar_core.data.sizing import FITS, LARGEST, USUAL, Sizing

if TYPE_CHECKING:
    from torch import Tensor

MAX_SIDE = 1600  # pixels kept of a larger picture: enough for a screen
MIN_SIDE = LARGEST  # and of the shorter side of a panorama: no image of a network is larger
PANORAMA = 16  # times as long as it is high, at most
Box = tuple[int, int, int, int]


def open_image(data: bytes, name: str = "") -> Image.Image:
    """Decode the bytes of a file: RGB, upright, at most 1600 pixels wide and high.

    A panorama has more, so that its shorter side keeps up to 512 pixels.

    `info["note"]` of the result is a note for the user, for example that only the first picture
    of an animation is used; "" if there is none. `info["depth"]` is how many bits are used of
    more than 8 per channel; 0 if the file stores 8. Raises ImageError.
    """
    reading = read(data, name or "The picture", MAX_SIDE, for_screen)
    shown = reading.image
    see_through = shown.mode == "RGBA" and shown.getchannel("A").getextrema() != (255, 255)
    picture = on_white(shown)
    picture.info = {"note": note(reading, see_through), "depth": reading.depth}
    return picture


def for_screen(image: Image.Image, upright: Callable[[Image.Image], Image.Image]) -> Image.Image:
    """Scale down, then bring upright; transparent parts stay transparent."""
    shape = max(image.size) / min(image.size)
    longest = max(MAX_SIDE, round(MIN_SIDE * shape)) if shape <= PANORAMA else MAX_SIDE
    image.thumbnail((longest, longest), Image.Resampling.BICUBIC)
    return upright(image)


def on_white(image: Image.Image) -> Image.Image:
    """Convert to RGB, with white where the picture is transparent."""
    if image.mode != "RGBA":
        return image.convert("RGB")
    paper = Image.new("RGB", image.size, "white")
    paper.paste(image, mask=image.getchannel("A"))
    return paper


def note(reading: Reading, see_through: bool) -> str:
    """Return a note on what was changed or left out; empty if nothing was."""
    notes = []
    if 0 < reading.depth < 16:
        notes.append(
            f"The file stores more than 8 bits per channel and uses {reading.depth} of them: it "
            "is shown brighter."
        )
    if reading.several:
        notes.append("The file holds several pictures; only the first is used.")
    if see_through:
        notes.append("Transparent parts are shown on white.")
    if reading.cut:
        notes.append("The file is cut short: a little is missing at the lower edge.")
    return " ".join(notes)


def seen_box(image: Image.Image, sizing: Sizing = USUAL) -> Box:
    """Return the region that a network sees: left, top, right, bottom in pixels of the picture."""
    (left, top, right, bottom), _ = FITS[sizing.fit].place(image.size, sizing.stored)
    inset = round((right - left) * sizing.margin / sizing.stored)
    return left + inset, top + inset, right - inset, bottom - inset


def pictured_box(size: tuple[int, int], sizing: Sizing) -> Box:
    """Return where a picture of this size is in what a network sees: all but black borders."""
    _, (width, height) = FITS[sizing.fit].place(size, sizing.side)
    left, top = (sizing.side - width) // 2, (sizing.side - height) // 2
    return left, top, left + width, top + height


def network_view(image: Image.Image, sizing: Sizing = USUAL, box: Box | None = None) -> Image.Image:
    """Return what a network sees of a picture, `sizing.side` pixels wide and high.

    It is made of the picture as the images of a set are. `box` is another region to see instead,
    which is made square in the same way.
    """
    if box is not None:
        return square_of(image, replace(sizing, stored=sizing.side), box)
    square = square_of(image, sizing)
    start, end = sizing.margin, sizing.margin + sizing.side
    return square.crop((start, start, end, end)) if sizing.is_wider else square


def square_of(
    image: Image.Image, sizing: Sizing, box: Box | None = None, *, reducing_gap: float | None = None
) -> Image.Image:
    """Return a picture, or a region of it, as a square of `sizing.stored` pixels a side.

    With a `reducing_gap`, the picture is averaged first, to about that many times the square.
    """
    if box is not None and box != (0, 0, *image.size):
        image = image.crop(box)
    part, size = FITS[sizing.fit].place(image.size, sizing.stored)
    scaled = resized(image, part, size, reducing_gap)
    if size == (sizing.stored, sizing.stored):
        return scaled
    square = Image.new(scaled.mode, (sizing.stored, sizing.stored))
    square.paste(scaled, ((sizing.stored - size[0]) // 2, (sizing.stored - size[1]) // 2))
    return square


def resized(
    image: Image.Image, box: Box, size: tuple[int, int], reducing_gap: float | None
) -> Image.Image:
    """Return a region of a picture at another size."""
    if reducing_gap:
        return image.resize(size, Image.Resampling.BICUBIC, box, reducing_gap=reducing_gap)
    # cropped first: resize(box=...) would mix in pixels from around the box
    region = image if box == (0, 0, *image.size) else image.crop(box)
    return region if region.size == size else region.resize(size, Image.Resampling.BICUBIC)


def to_tensor(image: Image.Image, sizing: Sizing = USUAL, box: Box | None = None) -> "Tensor":
    """Return what a network sees of a picture as [1, 3, side, side] in [0, 1]."""
    return tensor_of(network_view(image, sizing, box))


def tensor_of(view: Image.Image) -> "Tensor":
    """Return what `network_view` returned as [1, 3, side, side] in [0, 1]."""
    import torch  # the Data page opens pictures without waiting for it

    pixels = np.array(view)  # [side, side, 3]
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255
