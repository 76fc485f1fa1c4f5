"""Opens pictures that people upload, within limits, and extracts the part that a network sees."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from cifar_core.data.dataset import SIZE
from cifar_core.data.pictures.reading import Reading, read

if TYPE_CHECKING:
    from torch import Tensor

MAX_SIDE = 1600  # pixels kept of a larger picture: enough for a screen
Box = tuple[int, int, int, int]


def open_image(data: bytes, name: str = "") -> Image.Image:
    """Decode the bytes of a file: RGB, upright, at most 1600 pixels wide and high.

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
    image.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.BICUBIC)
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


def seen_box(image: Image.Image) -> Box:
    """Return the centered square that a network sees: left, top, right, bottom in pixels."""
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return left, top, left + side, top + side


def network_view(image: Image.Image, size: int = SIZE, box: Box | None = None) -> Image.Image:
    """Return the region that a network sees, scaled to its size; the centered square if None."""
    box = box or seen_box(image)
    # cropped first: resize(box=...) would mix in pixels from around the box
    region = image if box == (0, 0, *image.size) else image.crop(box)
    if region.size == (size, size):
        return region
    return region.resize((size, size), Image.Resampling.BICUBIC)


def to_tensor(image: Image.Image) -> "Tensor":
    """Return the region that a network sees as [1, 3, 32, 32] in [0, 1]."""
    import torch  # the Data page opens pictures without waiting for it

    pixels = np.array(network_view(image))  # [32, 32, 3]
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255
