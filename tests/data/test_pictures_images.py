import io
import os
import struct
import subprocess
import sys
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from cifar_core.data.pictures.images import (
    FORMATS,
    MAX_SIDE,
    network_view,
    open_image,
    seen_box,
    to_tensor,
)
from cifar_core.errors import ImageError

ROOT = Path(__file__).parents[2]
RED, GREEN = (255, 0, 0), (0, 255, 0)


def saved(image, kind="PNG", **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def noise(mode="RGB", size=(40, 30)):
    pixels = np.random.default_rng(0).integers(0, 256, (*size[::-1], 3), dtype=np.uint8)
    return Image.fromarray(pixels).convert(mode)


def png_bomb(width, height, rows=1):
    """A small PNG of one color that declares a great many pixels, and has some rows of them."""

    def chunk(kind, body):
        check = zlib.crc32(kind + body)
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", check)

    packer = zlib.compressobj(9)
    row = b"\0" + bytes(3 * width)
    body = b"".join(packer.compress(row) for _ in range(rows)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


@pytest.mark.parametrize("kind", FORMATS)
def test_every_kind_is_read_by_its_content_whatever_its_name(kind):
    picture = open_image(saved(Image.new("RGB", (40, 30), RED), kind), "holiday.txt")
    assert (picture.mode, picture.size, picture.info["note"]) == ("RGB", (40, 30), "")
    assert np.abs(np.asarray(picture, dtype=int) - RED).max() <= 3


@pytest.mark.parametrize("kind", FORMATS)
def test_every_truncated_file_is_refused_with_a_sentence(kind):
    whole = saved(noise(), kind)
    for share in (0.05, 0.5, 0.9):
        with pytest.raises(ImageError, match=r"^cat .*(damaged|not a readable picture)"):
            open_image(whole[: int(share * len(whole))], "cat")


@pytest.mark.parametrize("kind", FORMATS)
def test_damaged_bytes_give_a_picture_or_an_image_error_and_nothing_else(kind):
    whole = bytearray(saved(noise(), kind))
    random = np.random.default_rng(0)
    refused = 0
    for _ in range(150):
        damaged = bytearray(whole)
        for place in random.integers(0, min(len(whole), 400), 4):
            damaged[place] = random.integers(0, 256)
        try:
            assert open_image(bytes(damaged)).mode == "RGB"
        except ImageError:
            refused += 1
    assert refused > 0


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", r"empty \(0 bytes\)"),
        (b"hello", "is not a readable picture; it should be one of JPEG"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a readable picture"),
        (b"\xff\xd8\xff" + bytes(20 * 2**20), "20.1 MB, but at most 20 MB"),
        (png_bomb(4001, 4000), "4,001 x 4,000 pixels, but at most 16 million"),
        (png_bomb(12000, 10000), "has far too many pixels, but at most 16 million"),
        (png_bomb(60000, 6000), "has far too many pixels"),
    ],
    ids=["empty", "text", "postscript", "heavy", "large", "warned of", "refused by Pillow"],
)
def test_what_is_no_picture_or_too_large_is_refused_with_advice(data, sentence):
    with pytest.raises(ImageError, match=sentence) as caught:
        open_image(data, "cat.png")
    assert str(caught.value).startswith("cat.png ")


def test_colors_of_print_are_converted():
    picture = open_image(saved(Image.new("CMYK", (40, 40), (0, 255, 255, 0)), "JPEG"))
    red, green, blue = np.asarray(picture).mean((0, 1))
    assert red > 200
    assert max(green, blue) < 60


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bit_gray_is_scaled_and_not_clipped(kind):
    ramp = np.arange(0, 65536, 256, dtype=np.uint16).reshape(16, 16)
    picture = open_image(saved(Image.fromarray(ramp), kind))
    assert np.array_equal(np.asarray(picture)[..., 1], (ramp // 256).astype(np.uint8))


def png16(values, sbit=0):
    """Return a 16-bit gray PNG of some values, perhaps with the chunk that says its depth."""
    data = saved(Image.fromarray(np.array(values, np.uint16)), "PNG")
    kind = b"sBIT" + bytes([sbit])
    chunk = struct.pack(">I", 1) + kind + struct.pack(">I", zlib.crc32(kind))
    return data[:33] + chunk + data[33:] if sbit else data


@pytest.mark.parametrize(
    ("largest", "sbit", "depth"),
    [(255, 0, 8), (1000, 0, 10), (4095, 0, 12), (9000, 0, 14), (65535, 0, 16), (300, 12, 12),
     (65520, 12, 16), (0, 0, 0), (0, 12, 0)],
)  # fmt: skip
def test_sixteen_bits_that_hold_fewer_are_scaled_by_what_the_file_says(largest, sbit, depth):
    ramp = np.linspace(0, largest, 256).reshape(16, 16).astype(np.uint16)
    picture = open_image(png16(ramp, sbit), "scan.png")
    expected = (ramp >> (max(depth, 8) - 8)).astype(np.uint8)
    assert np.array_equal(np.asarray(picture)[..., 0], expected)
    assert picture.info["depth"] == depth
    told = f"stores 16 bits per pixel and uses {depth}: it is shown brighter"
    assert (told in picture.info["note"]) == (0 < depth < 16)


@pytest.mark.parametrize("size", [8, 12, 16])
def test_sixteen_bit_colors_that_would_be_black_are_refused(size):
    rows = b"".join(b"\0" + struct.pack(">6H", *[2**size - 1] * 6) for _ in range(2))
    data = b"\x89PNG\r\n\x1a\n"
    for kind, body in ((b"IHDR", struct.pack(">IIBBBBB", 2, 2, 16, 2, 0, 0, 0)),
                       (b"IDAT", zlib.compress(rows)), (b"IEND", b"")):  # fmt: skip
        checksum = struct.pack(">I", zlib.crc32(kind + body))
        data += struct.pack(">I", len(body)) + kind + body + checksum
    if size == 16:
        assert open_image(data).getpixel((0, 0)) == (255, 255, 255)
    else:
        with pytest.raises(ImageError, match=r"x\.png stores 16 bits per channel, but uses at m"):
            open_image(data, "x.png")


def test_numbers_without_a_white_are_refused():
    with pytest.raises(ImageError, match=r"mode F.*8 bits per channel"):
        open_image(saved(Image.fromarray(np.ones((8, 8), np.float32)), "TIFF"))


def test_transparent_parts_of_a_palette_lie_on_white():
    image = Image.new("P", (4, 4), 0)
    image.putpalette([*RED, *GREEN])
    image.putpixel((0, 0), 1)
    picture = open_image(saved(image, transparency=0))
    assert picture.getpixel((0, 0)) == GREEN
    assert picture.getpixel((3, 3)) == (255, 255, 255)
    assert "on white" in picture.info["note"]


@pytest.mark.parametrize(("mode", "color"), [("RGBA", (*RED, 0)), ("LA", (9, 0))])
def test_transparent_pixels_lie_on_white(mode, color):
    assert open_image(saved(Image.new(mode, (5, 5), color))).getpixel((2, 2)) == (255,) * 3


def test_one_color_that_means_transparent_lies_on_white():
    image = Image.new("RGB", (5, 5), RED)
    image.putpixel((0, 0), GREEN)
    picture = open_image(saved(image, transparency=RED))
    assert picture.getpixel((0, 0)) == GREEN
    assert picture.getpixel((4, 4)) == (255, 255, 255)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_a_picture_is_turned_as_the_camera_was_held(kind):
    image = Image.new("RGB", (64, 32), RED)
    image.paste(GREEN, (0, 0, 32, 32))  # the left half
    exif = Image.Exif()
    exif[0x0112] = 6  # show it turned to the right: left comes to the top
    picture = open_image(saved(image, kind, exif=exif))
    assert picture.size == (32, 64)
    assert picture.getpixel((16, 8))[1] > 200
    assert picture.getpixel((16, 56))[0] > 200


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_only_the_first_picture_of_an_animation_is_used(kind):
    frames = [Image.new("RGB", (16, 16), color) for color in (GREEN, RED)]
    options = {"lossless": True} if kind == "WEBP" else {}
    data = saved(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    picture = open_image(data)
    assert picture.getpixel((8, 8)) == GREEN
    assert "only the first" in picture.info["note"]


def test_a_picture_of_one_pixel_is_a_picture():
    picture = open_image(saved(Image.new("RGB", (1, 1), RED)))
    assert seen_box(picture) == (0, 0, 1, 1)
    assert network_view(picture).getcolors() == [(32 * 32, RED)]


@pytest.mark.parametrize("size", [(4000, 10), (10, 4000), (1, 5000)])
def test_a_very_long_picture_is_scaled_down_and_still_seen(size):
    picture = open_image(saved(Image.new("RGB", size, RED)))
    assert max(picture.size) == MAX_SIDE
    assert network_view(picture).getcolors() == [(32 * 32, RED)]


def test_a_network_sees_the_square_in_the_middle():
    image = Image.new("RGB", (100, 60), RED)
    image.paste(GREEN, (20, 0, 80, 60))
    assert seen_box(image) == (20, 0, 80, 60)
    assert network_view(image).getcolors() == [(32 * 32, GREEN)]
    assert network_view(image, 8).size == (8, 8)


def test_a_picture_of_the_right_size_reaches_the_network_unchanged():
    image = noise(size=(32, 32))
    tensor = to_tensor(open_image(saved(image)))
    assert (tensor.shape, tensor.dtype) == ((1, 3, 32, 32), torch.float32)
    expected = np.asarray(image, dtype=np.float32).transpose(2, 0, 1) / 255
    assert np.array_equal(tensor[0].numpy(), expected)


def test_no_warning_leaks_and_no_filter_stays_changed():
    before = list(warnings.filters)
    with warnings.catch_warnings(record=True) as leaked:
        warnings.simplefilter("always")
        with pytest.raises(ImageError):
            open_image(png_bomb(12000, 10000))
    assert leaked == []
    assert warnings.filters == before


MEASURE = """
import io, resource, sys
from PIL import Image
from cifar_core.data.pictures.images import open_image
from cifar_core.errors import ImageError
open_image(open(sys.argv[1], "rb").read())  # everything is imported
data = open(sys.argv[2], "rb").read()
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before = peak()
try:
    print(open_image(data).size, file=sys.stderr)
except ImageError as error:
    print(error, file=sys.stderr)
print(peak() - before)
"""


def more_memory(tmp_path, data):
    """Megabytes that opening the picture needs at its peak, in a process of its own.

    The shell between is needed: Linux counts the memory of the process that starts a program
    (this one, with torch) into the program's own peak.
    """
    (tmp_path / "small").write_bytes(saved(Image.new("RGB", (8, 8))))
    (tmp_path / "picture").write_bytes(data)
    done = subprocess.run(
        ["sh", "-c", '"$@"; exit $?', "sh", sys.executable, "-c", MEASURE, "small", "picture"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout) / (1024 if sys.platform == "linux" else 1024**2), done.stderr


def test_a_bomb_of_a_hundred_megapixels_needs_almost_no_memory(tmp_path):
    megabytes, said = more_memory(tmp_path, png_bomb(10000, 10000, rows=10000))
    assert "at most 16 million" in said
    assert megabytes < 20


@pytest.mark.parametrize(
    ("kind", "mode", "side", "options"),
    [
        ("PNG", "RGBA", 4000, {"compress_level": 1}),
        ("PNG", "P", 4000, {"compress_level": 1, "transparency": 0}),
        ("PNG", "LA", 4000, {"compress_level": 1}),
        ("PNG", "I;16", 4000, {"compress_level": 1}),
        ("JPEG", "CMYK", 4000, {"progressive": True}),
        ("TIFF", "RGBA", 4000, {"compression": "tiff_lzw"}),
        ("GIF", "P", 4000, {}),
        ("WEBP", "RGBA", 3160, {"lossless": True, "method": 0}),
    ],
)
def test_the_largest_allowed_picture_needs_at_most_200_megabytes(
    tmp_path, kind, mode, side, options
):
    data = saved(Image.new(mode, (side, side)), kind, **options)
    megabytes, said = more_memory(tmp_path, data)
    assert "1600, 1600" in said
    assert 5 < megabytes < 200


def test_a_webp_is_limited_further_because_its_decoder_needs_more():
    data = saved(Image.new("RGB", (4000, 3000)), "WEBP", method=0)
    with pytest.raises(ImageError, match="at most 10 million"):
        open_image(data, "large.webp")
