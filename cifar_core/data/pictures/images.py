"""Opens pictures that people upload, within limits, and extracts the part that a network sees."""

import io
import math
import struct
import threading
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from cifar_core.data.dataset import SIZE
from cifar_core.data.pictures.depth import gray_of, refuse_dark_color
from cifar_core.disk.os_errors import reason
from cifar_core.errors import ImageError

if TYPE_CHECKING:
    from torch import Tensor

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")  # never EPS, PDF: they run programs
MAX_MEGABYTES = 20  # of the file, in units of 2**20 bytes: all that the upload box takes
MAX_MEGAPIXELS = 16  # width times height
MAX_MEGAPIXELS_OF = {"WEBP": 10}  # its decoder keeps two more canvases in memory
MAX_SIDE = 1600  # pixels kept of a larger picture: enough for a screen
UNREADABLE = (
    *(OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, ArithmeticError),
    *(MemoryError, struct.error, zlib.error),
)  # what Pillow's decoders raise on damaged files
BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)
ONE_AT_A_TIME = threading.Lock()
Box = tuple[int, int, int, int]


def open_image(data: bytes, name: str = "") -> Image.Image:
    """Decode the bytes of a file: RGB, upright, at most 1600 pixels wide and high.

    `info["note"]` of the result is a note for the user, for example that only the first picture
    of an animation is used; "" if there is none. `info["depth"]` is how many of 16 bits per
    channel are used; 0 if the file does not store 16. Raises ImageError.
    """
    name = name or "The picture"
    check_bytes(data, name)
    with quietly():
        image = identify(data, name)
        try:
            several = getattr(image, "is_animated", False)
            shown = upright(small(eight_bit(decode(image), data, name)))
        except UNREADABLE as error:
            why = reason(error) if str(error) else "it ends too early"
            raise ImageError(
                f"{name} is damaged or cut short ({why}). Download or save the picture again."
            ) from error
    see_through = shown.mode == "RGBA" and shown.getchannel("A").getextrema() != (255, 255)
    picture = on_white(shown)
    depth = shown.info.get("depth", 0)
    picture.info = {"note": note(several, see_through, depth), "depth": depth}
    return picture


def check_bytes(data: bytes, name: str) -> None:
    """Refuse a file that is empty or too large."""
    if not data:
        raise ImageError(f"{name} is empty (0 bytes). Choose a picture file.")
    if len(data) > MAX_MEGABYTES * 2**20:
        size = math.ceil(len(data) / 2**20 * 10) / 10
        raise ImageError(
            f"{name} has {size:.1f} MB, but at most {MAX_MEGABYTES} MB can be opened. "
            "Save it smaller, for example as JPEG."
        )


@contextmanager
def quietly() -> Iterator[None]:
    """Suppress the warnings of a decoder, and turn the one about bombs into an error.

    Only one picture is decoded at a time, because Python's warning filters and the memory belong
    to the whole process.
    """
    with ONE_AT_A_TIME, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def identify(data: bytes, name: str) -> Image.Image:
    """Read only the header: the format of the picture and its size, which must be within limits."""
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except BOMBS as error:
        raise ImageError(too_large(name, MAX_MEGAPIXELS)) from error
    except (UnidentifiedImageError, *UNREADABLE) as error:
        raise ImageError(
            f"{name} is not a readable picture; it should be one of {', '.join(FORMATS)}. "
            "Open it in an image program and save it as PNG or JPEG."
        ) from error
    limit = MAX_MEGAPIXELS_OF.get(image.format or "", MAX_MEGAPIXELS)
    if image.width * image.height > limit * 10**6:
        raise ImageError(too_large(name, limit, image.size))
    return image


def too_large(name: str, limit: int, size: tuple[int, int] | None = None) -> str:
    """Return the message that a picture has too many pixels."""
    pixels = f"{size[0]:,} x {size[1]:,} pixels" if size else "far too many pixels"
    return (
        f"{name} has {pixels}, but at most {limit} million can be opened. "
        "Scale it down, for example to 2,000 pixels on its longer side."
    )


def decode(image: Image.Image) -> Image.Image:
    """Read the pixels; a JPEG at a fraction of its size if that is still large enough.

    At the limits this needs up to 200 MB of memory.
    """
    image.draft(None, (MAX_SIDE, MAX_SIDE))
    image.load()
    if image.mode in ("LA", "CMYK"):  # four bytes per pixel, and a copy to convert: shrink first
        small(image)
    return image


def eight_bit(image: Image.Image, data: bytes, name: str) -> Image.Image:
    """Convert to gray, RGB or, if parts may be transparent, RGBA; 8 bits per channel."""
    if image.mode in ("RGB", "RGBA", "LA"):
        refuse_dark_color(image, data, name)
    if image.mode in ("L", "RGB", "RGBA") and "transparency" not in image.info:
        return image
    if image.mode.startswith("I;16"):  # convert() would clip it at 255
        scaled, depth = gray_of(image, data)
        scaled.info = {"exif": image.info.get("exif", b""), "depth": depth}
        return scaled
    if image.mode in ("I", "F", "LAB"):
        raise ImageError(
            f"{name} stores its colors in a scientific format (mode {image.mode}), which does not "
            "define white. Save it with 8 bits per channel, for example as PNG."
        )
    transparent = "transparency" in image.info or image.mode in ("LA", "La", "PA", "RGBa")
    return image.convert("RGBA" if transparent else "RGB")


def small(image: Image.Image) -> Image.Image:
    """Scale down to at most 1600 pixels wide and high, keeping the proportions."""
    image.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.BICUBIC)
    return image


def upright(image: Image.Image) -> Image.Image:
    """Rotate the picture to the orientation of the camera."""
    return ImageOps.exif_transpose(image)


def on_white(image: Image.Image) -> Image.Image:
    """Convert to RGB, with white where the picture is transparent."""
    if image.mode != "RGBA":
        return image.convert("RGB")
    paper = Image.new("RGB", image.size, "white")
    paper.paste(image, mask=image.getchannel("A"))
    return paper


def note(several: bool, see_through: bool, depth: int) -> str:
    """Return a note on what was changed or left out; empty if nothing was."""
    notes = []
    if 0 < depth < 16:
        notes.append(f"The file stores 16 bits per pixel and uses {depth}: it is shown brighter.")
    if several:
        notes.append("The file holds several pictures; only the first is used.")
    if see_through:
        notes.append("Transparent parts are shown on white.")
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
