"""Reads a picture of any format, by several threads at once and in bounded memory."""

import struct
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, UnidentifiedImageError

from cifar_core.data.pictures.depth import color_of, fractions_of, gray_of
from cifar_core.data.pictures.kinds import HEIF, JPEG, Kind, recognize, unreadable
from cifar_core.data.pictures.limits import (
    IN_FLIGHT,
    MOST_MEGAPIXELS,
    SMALL,
    check_bytes,
    needed,
    too_large,
)
from cifar_core.disk.os_errors import reason
from cifar_core.errors import ImageError

UNREADABLE = (
    *(OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, ArithmeticError),
    *(MemoryError, RuntimeError, struct.error, zlib.error),
)  # what decoders raise on damaged files
END = b"\xff\xd9"  # of a JPEG
MOST_MISSING = 0.125  # share of a JPEG that is cut short
JUDGED = 128  # pixels a side, at least, at which that share is found
GRAY = ("1", "L", "LA", "La", "I", "F")  # modes of one channel
WITH_EXIF = ("exif", "xmp", "Raw profile type exif", "XML:com.adobe.xmp")  # keys of Pillow's info
ORIENTATION = 0x0112  # an EXIF tag
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_90,
}  # fmt: skip
TURNED = 5  # orientations from here on exchange width and height

# a converted picture, as a camera stored it, and how it is brought upright -> what is kept of it
Finish = Callable[[Image.Image, Callable[[Image.Image], Image.Image]], Image.Image]


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """A picture that was read, and what is known of its file."""

    image: Image.Image  # what `finish` made of it
    size: tuple[int, int]  # width and height of the whole picture, upright
    depth: int  # bits that are used of more than 8 per channel; 0 if the file stores 8
    gray: bool  # the file has one channel
    several: bool  # it holds several pictures, of which this is the first
    cut: bool  # it is a JPEG that is cut short, but nearly all of it is there


def read(data: bytes, name: str, least: int, finish: Finish) -> Reading:
    """Read a picture; `finish` gets it in gray, RGB or RGBA with 8 bits per channel.

    A JPEG is decoded at a fraction of its size if both sides still have at least `least` pixels.
    Callable by several threads at once, which together take no more memory than one may. Raises
    ImageError.
    """
    check_bytes(data, name)
    silence()
    kind = recognize(data, name)
    image = header(kind, data, name)
    size, several = image.size, getattr(image, "is_animated", False)
    if kind is JPEG and min(size) >= 2 * least:  # else Pillow would change nothing, slowly
        image.draft(None, (least, least))
    share = needed(image, kind, data, size, name)
    try:
        if share < SMALL:
            return finished(image, kind, data, name, size, several, finish)
        with IN_FLIGHT.spent(share):
            return finished(image, kind, data, name, size, several, finish)
    except UNREADABLE as error:
        why = reason(error) if str(error) else "it ends too early"
        raise ImageError(
            f"{name} is damaged or cut short ({why}). Download or save the picture again."
        ) from error


def silence() -> None:
    """Ignore the warnings of the decoders, once and for the whole process.

    Suppressing them around each picture would change the filters of all threads.
    """
    if QUIET not in warnings.filters:
        warnings.filterwarnings("ignore", module=r"PIL\.")


with warnings.catch_warnings():
    warnings.filterwarnings("ignore", module=r"PIL\.")
    QUIET = warnings.filters[0]


def header(kind: Kind, data: bytes, name: str) -> Image.Image:
    """Read only the header of a picture."""
    try:
        return kind.open(data)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError(too_large(name, MOST_MEGAPIXELS)) from error
    except ImportError as error:
        if kind is not HEIF:
            raise
        raise ImageError(
            f"{name} is a HEIC picture, for which the package pi-heif is needed: "
            "`pip install pi-heif`. Or save it as JPEG."
        ) from error
    except (UnidentifiedImageError, *UNREADABLE) as error:
        raise unreadable(name) from error


def finished(
    image: Image.Image,
    kind: Kind,
    data: bytes,
    name: str,
    size: tuple[int, int],
    several: bool,
    finish: Finish,
) -> Reading:
    """Decode a picture whose header was read, and finish it."""
    gray = image.mode in GRAY or image.mode.startswith("I;16")
    image, cut = decoded(image, kind, data)
    orientation = orientation_of(image)
    if kind is not JPEG:  # which may be decoded at a fraction of its size
        size = image.size  # some decoders bring it upright themselves
    eight, depth = eight_bit(image, kind, data, name)
    turn = UPRIGHT.get(orientation)
    return Reading(
        image=finish(eight, (lambda shown: shown.transpose(turn)) if turn else unchanged),
        size=size[::-1] if turn and orientation >= TURNED else size,
        depth=depth,
        gray=gray,
        several=several,
        cut=cut,
    )


def unchanged(image: Image.Image) -> Image.Image:
    """Return a picture that is upright already."""
    return image


def decoded(image: Image.Image, kind: Kind, data: bytes) -> tuple[Image.Image, bool]:
    """Return a picture with its pixels, and whether it is cut short.

    A JPEG that is cut short is accepted if nearly all of it is there.
    """
    try:
        image.load()
    except OSError as error:
        if kind is not JPEG or "truncated" not in str(error) or "progressive" in image.info:
            raise
        if missing_share(kind, data) > MOST_MISSING:
            raise
        again = kind.open(data + END)
        again.draft(None, image.size)
        again.load()
        return again, True
    return image, False


def missing_share(kind: Kind, data: bytes) -> float:
    """Return the share of a JPEG's picture that is missing, whatever size it is wanted at."""
    image = kind.open(data + END)
    if min(image.size) >= 2 * JUDGED:
        image.draft(None, (JUDGED, JUDGED))
    image.load()
    return flat_share(image)


def flat_share(image: Image.Image) -> float:
    """Return the share of the last pixels that have one color, as decoders leave missing ones.

    Row by row from below, each from its right end.
    """
    pixels = np.asarray(image)
    other = (pixels != pixels[-1, -1]).reshape(*pixels.shape[:2], -1).any(2)
    runs = np.where(other.any(1), other[:, ::-1].argmax(1), other.shape[1])[::-1]  # from below
    end = int((runs == 0).argmax()) if (runs == 0).any() else len(runs)
    return float(runs[:end].sum()) / other.size


def orientation_of(image: Image.Image) -> int:
    """Return how the camera was held, 1 to 8; 1 if the file does not say it, or is wrong there."""
    if image.info.keys().isdisjoint(WITH_EXIF):
        return 1
    try:
        return int(image.getexif().get(ORIENTATION, 1))
    except UNREADABLE:
        return 1


def eight_bit(image: Image.Image, kind: Kind, data: bytes, name: str) -> tuple[Image.Image, int]:
    """Convert to gray, RGB or, if parts may be transparent, RGBA; 8 bits per channel.

    Also return how many bits are used of more than 8 per channel; 0 if the file stores 8.
    """
    mode = image.mode
    if mode == "L" and "transparency" not in image.info:
        return image, 0
    depth = 0
    if mode in ("RGB", "RGBA", "LA") and kind.key in ("PNG", "TIFF"):
        image, depth = color_of(image, data, name, lambda: kind.open(data))
    if mode in ("RGB", "RGBA") and "transparency" not in image.info:
        return image, depth
    if mode == "1":
        return image.convert("L"), 0
    try:
        if mode.startswith("I"):  # convert() would clip it at 255
            return gray_of(image, data)
        if mode == "F":
            return fractions_of(image), 0
    except ValueError as error:
        raise ImageError(
            f"{name} stores numbers that define no white: {error}, but should lie between 0 and 1, "
            "or be whole numbers up to 65,535. Save it with 8 bits per channel, for example as PNG."
        ) from error
    if mode == "LAB":
        raise ImageError(
            f"{name} stores its colors in a scientific format (mode LAB), which does not define "
            "white. Save it with 8 bits per channel, for example as PNG."
        )
    transparent = "transparency" in image.info or mode in ("LA", "La", "PA", "RGBa")
    return image.convert("RGBA" if transparent else "RGB"), depth
