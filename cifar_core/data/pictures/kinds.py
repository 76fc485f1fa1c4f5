"""The formats of pictures that can be opened, and the files that are often taken for pictures.

A format is recognized by the first bytes of a file, never by its name.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from cifar_core.errors import ImageError


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A format of pictures, and the memory that its decoder takes, as measured."""

    key: str  # Pillow's name
    title: str
    endings: tuple[str, ...]  # of the names that such files usually have
    open: Callable[[bytes], Image.Image]  # reads the header only
    bytes_per_pixel: float = 4.0  # that the decoder takes, the decoded picture among them
    copies: int = 0  # of the file


def by_pillow(key: str) -> Callable[[bytes], Image.Image]:
    """Return the function that opens a file with one decoder of Pillow."""
    return lambda data: Image.open(io.BytesIO(data), formats=(key,))


def jpeg(data: bytes) -> Image.Image:
    """Open a JPEG; of a file with several, such as one for each eye, the first."""
    image = JpegImageFile(io.BytesIO(data))  # Image.open costs a tenth of a small picture's time
    image.decodermaxblock = len(data)  # 64 KB at a time cost a twentieth of a photo's
    return image


def heif(data: bytes) -> Image.Image:
    """Open a picture of a phone; its decoder is imported only when it is needed."""
    from pi_heif import HeifImageFile

    return HeifImageFile(io.BytesIO(data))


def ico(data: bytes) -> Image.Image:
    """Open an icon, whose directory may lie about the sizes of its pictures."""
    image = Image.open(io.BytesIO(data), formats=("ICO",))
    for entry in image.ico.entry:  # type: ignore[attr-defined]
        start = entry.offset
        if data[start : start + 4] == b"\x89PNG":
            size, order = data[start + 16 : start + 24], "big"
        else:
            size, order = data[start + 4 : start + 12], "little"
        sides = [int.from_bytes(side, order) for side in (size[:4], size[4:])]  # type: ignore[arg-type]
        if max(sides) > 2 * ICON:  # an icon's mask counts as a second half
            raise ValueError(f"a picture of an icon has at most {ICON} x {ICON} pixels")
    return image


ICON = 1024  # pixels on the longer side of the largest icon
JPEG = Kind(key="JPEG", title="JPEG", endings=("jpg", "jpeg", "jfif", "jpe", "mpo"), open=jpeg)
PNG = Kind(key="PNG", title="PNG", endings=("png", "apng"), open=by_pillow("PNG"))
WEBP = Kind(
    key="WEBP", title="WebP", endings=("webp",), open=by_pillow("WEBP"),
    bytes_per_pixel=19, copies=1,
)  # fmt: skip
GIF = Kind(
    key="GIF", title="GIF", endings=("gif",), open=by_pillow("GIF")
)  # fmt: skip
BMP = Kind(key="BMP", title="BMP", endings=("bmp", "dib"), open=by_pillow("BMP"))
TIFF = Kind(
    key="TIFF", title="TIFF", endings=("tif", "tiff"), open=by_pillow("TIFF"),
    bytes_per_pixel=8.5, copies=1,
)  # fmt: skip
PPM = Kind(
    key="PPM", title="PPM, PGM or PBM", endings=("ppm", "pgm", "pbm", "pnm"),
    open=by_pillow("PPM"),
)  # fmt: skip
AVIF = Kind(
    key="AVIF", title="AVIF", endings=("avif",), open=by_pillow("AVIF"),
    bytes_per_pixel=9.3, copies=1,
)  # fmt: skip
HEIF = Kind(
    key="HEIF", title="HEIC", endings=("heic", "heif", "hif"), open=heif,
    bytes_per_pixel=7.9, copies=1,
)  # fmt: skip
JPEG2000 = Kind(
    key="JPEG2000", title="JPEG 2000", endings=("jp2", "j2k", "jpx", "jpf"),
    open=by_pillow("JPEG2000"), bytes_per_pixel=19.5,
)  # fmt: skip
TGA = Kind(key="TGA", title="TGA", endings=("tga",), open=by_pillow("TGA"))
ICO = Kind(key="ICO", title="ICO", endings=("ico",), open=ico, bytes_per_pixel=9)

KINDS = (JPEG, PNG, WEBP, BMP, GIF, TIFF, PPM, AVIF, HEIF, JPEG2000, TGA, ICO)
ENDINGS = tuple(ending for kind in KINDS for ending in kind.endings)
TITLES = ", ".join(kind.title for kind in KINDS)

STARTS: tuple[tuple[bytes, Kind], ...] = (
    (b"\xff\xd8\xff", JPEG),
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"GIF87a", GIF),
    (b"GIF89a", GIF),
    (b"II*\0", TIFF),
    (b"MM\0*", TIFF),
    (b"II+\0", TIFF),  # with places of 64 bits
    (b"MM\0+", TIFF),
    (b"\xff\x4f\xff\x51", JPEG2000),
    (b"\0\0\0\x0cjP  \r\n\x87\n", JPEG2000),
    (b"\0\0\1\0", ICO),
    (b"BM", BMP),
    *((b"P%d" % number, PPM) for number in range(1, 7)),
)
BRANDS = {b"avif": AVIF, b"avis": AVIF} | dict.fromkeys(
    (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), HEIF
)
NEWER_TGA = b"TRUEVISION-XFILE.\0"  # the end of every TGA file since 1989

AS_PNG = "Save it as PNG or JPEG."
FOREIGN: tuple[tuple[bytes, str], ...] = (
    (b"version https://git-lfs",
     "is a Git LFS pointer, which stands for a picture that was not downloaded. Run `git lfs pull` "
     "in its repository."),
    (b"%PDF", "is a PDF document, not a picture. Save its pages as PNG."),
    (b"%!PS", "is a PostScript program, which is not run here. Save what it draws as PNG."),
    (b"\xc5\xd0\xd3\xc6", "is a PostScript program, which is not run here. Save it as PNG."),
    (b"<!doctype html", "is a web page, not a picture: the address that it was saved from "
     "probably led to an error page. Download the picture again."),
    (b"<html", "is a web page, not a picture: the address that it was saved from probably led to "
     "an error page. Download the picture again."),
    (b"<svg", "is an SVG drawing, which has no pixels yet. Save it as PNG."),
    (b"\xff\x0a", f"is a JPEG XL picture, which cannot be opened here. {AS_PNG}"),
    (b"\0\0\0\x0cJXL ", f"is a JPEG XL picture, which cannot be opened here. {AS_PNG}"),
    (b"8BPS", f"is a Photoshop document. {AS_PNG}"),
    (b"PK\x03\x04", "is a zip archive or an office document, not a picture. Unpack it first."),
    (b"\x1f\x8b", "is packed with gzip. Unpack it first."),
)  # fmt: skip


def recognize(data: bytes, name: str) -> Kind:
    """Return the format of a file, or raise ImageError that says what the file is instead."""
    for start, kind in STARTS:
        if data.startswith(start):
            return kind
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return WEBP
    if data[4:8] == b"ftyp":
        return of_brands(data, name)
    if data.endswith(NEWER_TGA):
        return TGA
    text = data[:1000].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for start, what in FOREIGN:
        if data.startswith(start) or text.startswith(start):
            raise ImageError(f"{name} {what}")
    if text.startswith(b"<?xml") and b"<svg" in text:
        raise ImageError(f"{name} is an SVG drawing, which has no pixels yet. Save it as PNG.")
    raise unreadable(name)


def of_brands(data: bytes, name: str) -> Kind:
    """Return the format of a file in the container that AVIF, HEIC and MP4 share."""
    length = min(int.from_bytes(data[:4], "big"), 200)
    brands = [data[place : place + 4] for place in (8, *range(16, length, 4))]
    if brands[0] in (b"mif1", b"msf1") and b"avif" in brands:
        return AVIF
    kind = next((BRANDS[brand] for brand in brands if brand in BRANDS), None)
    if kind is None:
        raise ImageError(f"{name} is a video, not a picture. Save single pictures of it as PNG.")
    return kind


def unreadable(name: str) -> ImageError:
    """Return the error that a file is not a picture of a known format."""
    return ImageError(
        f"{name} is not a readable picture; it should be one of {TITLES}. Open it in an image "
        "program and save it as PNG or JPEG."
    )
