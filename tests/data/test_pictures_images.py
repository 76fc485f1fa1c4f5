import io
import os
import struct
import subprocess
import sys
import threading
import time
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from cifar_core.data.pictures.images import (
    MAX_SIDE,
    network_view,
    open_image,
    seen_box,
    to_tensor,
)
from cifar_core.data.pictures.kinds import KINDS
from cifar_core.data.pictures.limits import Budget
from cifar_core.data.sizing import Sizing
from cifar_core.errors import ImageError

ROOT = Path(__file__).parents[2]
RED, GREEN = (255, 0, 0), (0, 255, 0)
FORMATS = [kind.key for kind in KINDS if kind.key != "HEIF"]  # which no test can write


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
    picture = open_image(saved(Image.new("RGB", (48, 48), RED), kind), "holiday.txt")
    assert (picture.mode, picture.size, picture.info["note"]) == ("RGB", (48, 48), "")
    assert np.abs(np.asarray(picture, dtype=int) - RED).max() <= 3


@pytest.mark.parametrize("kind", FORMATS)
def test_every_truncated_file_is_refused_with_a_sentence(kind):
    whole = saved(noise(), kind)
    for share in (0.05, 0.5, 0.8 if kind == "JPEG" else 0.9):
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
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "is a PostScript program"),
        (b"\xff\xd8\xff" + bytes(50 * 2**20), "50.1 MB, but at most 50 MB"),
        (bytes(64 * 2**20 + 1), "more than 64 MB, but at most 50 MB"),  # the rest was not read
        (png_bomb(8000, 6000), "8,000 x 6,000 pixels, but at most 3[0-9] million"),
        (png_bomb(12000, 10000), "12,000 x 10,000 pixels, but at most 3[0-9] million"),
        (png_bomb(60000, 6000), "has far too many pixels"),
    ],
    ids=["empty", "text", "postscript", "heavy", "huge", "large", "warned of", "refused by Pillow"],
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
    told = f"more than 8 bits per channel and uses {depth} of them: it is shown brighter"
    assert (told in picture.info["note"]) == (0 < depth < 16)


def png16_colors(rows):
    """Return a 16-bit RGB PNG of values [h, w, 3]."""
    rows = np.array(rows, ">u2")
    body = b"".join(b"\0" + row.tobytes() for row in rows)
    data = b"\x89PNG\r\n\x1a\n"
    header = struct.pack(">IIBBBBB", rows.shape[1], rows.shape[0], 16, 2, 0, 0, 0)
    for kind, chunk in ((b"IHDR", header), (b"IDAT", zlib.compress(body)), (b"IEND", b"")):
        data += struct.pack(">I", len(chunk)) + kind + chunk
        data += struct.pack(">I", zlib.crc32(kind + chunk))
    return data


@pytest.mark.parametrize(("largest", "depth"), [(255, 8), (4095, 12), (9000, 14), (65535, 16)])
def test_sixteen_bit_colors_that_hold_fewer_are_scaled_alike(largest, depth):
    values = np.random.default_rng(0).integers(0, largest + 1, (6, 5, 3))
    values[0, 0, 0] = largest
    picture = open_image(png16_colors(values), "scan.png")
    assert np.array_equal(np.asarray(picture), (values >> (depth - 8)).astype(np.uint8))
    assert picture.info["depth"] == depth


def test_dark_colors_of_sixteen_bits_in_a_tiff_are_scaled_too():
    """Pillow writes no such file, so the bytes of an 8-bit one are taken in twos."""
    values = np.random.default_rng(0).integers(0, 1024, (4, 6, 3)).astype("<u2")
    values[0, 0, 0] = 1023
    data = bytearray(saved(Image.new("RGB", (12, 4)), "TIFF"))
    data[-values.nbytes :] = values.tobytes()
    (place,) = struct.unpack("<I", data[4:8])
    for number in range(struct.unpack("<H", data[place : place + 2])[0]):
        entry = place + 2 + 12 * number
        tag, kind, _ = struct.unpack("<HHI", data[entry : entry + 8])
        if tag == 256:
            data[entry + 8 : entry + 12] = struct.pack("<I", 6) if kind == 4 else b"\6\0\0\0"
        if tag == 258:
            (bits,) = struct.unpack("<I", data[entry + 8 : entry + 12])
            data[bits : bits + 6] = struct.pack("<3H", 16, 16, 16)
    picture = open_image(bytes(data))
    assert np.array_equal(np.asarray(picture), (values >> 2).astype(np.uint8))
    assert picture.info["depth"] == 10


def test_whole_numbers_of_thirty_two_bits_follow_the_rule_of_sixteen():
    ramp = np.arange(4096, dtype=np.int32).reshape(64, 64)
    picture = open_image(saved(Image.fromarray(ramp), "TIFF"))
    assert np.array_equal(np.asarray(picture)[..., 1], ramp >> 4)
    assert picture.info["depth"] == 12


def test_fractions_between_0_and_1_are_black_to_white():
    ramp = np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8)
    picture = open_image(saved(Image.fromarray(ramp), "TIFF"))
    assert np.array_equal(np.asarray(picture)[..., 2], np.rint(ramp * 255))


@pytest.mark.parametrize(
    "values",
    [np.full((8, 8), 1.5), np.full((8, 8), -0.1), np.full((8, 8), np.nan),
     np.full((8, 8), -1, np.int32), np.full((8, 8), 2**16, np.int32)],
)  # fmt: skip
def test_numbers_without_a_white_are_refused(values):
    values = values.astype(np.float32) if values.dtype == float else values
    with pytest.raises(ImageError, match=r"define no white: its values lie between .* 8 bits per"):
        open_image(saved(Image.fromarray(values), "TIFF"))


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
    assert network_view(image, Sizing(side=8, stored=8)).size == (8, 8)


def test_a_picture_of_the_right_size_reaches_the_network_unchanged():
    image = noise(size=(32, 32))
    tensor = to_tensor(open_image(saved(image)))
    assert (tensor.shape, tensor.dtype) == ((1, 3, 32, 32), torch.float32)
    expected = np.asarray(image, dtype=np.float32).transpose(2, 0, 1) / 255
    assert np.array_equal(tensor[0].numpy(), expected)


def test_no_warning_leaks_from_any_of_many_threads():
    warned_of = saved(Image.new("P", (9, 9)), transparency=b"\0\1\2")
    with warnings.catch_warnings(record=True) as leaked:
        warnings.simplefilter("always")
        with ThreadPoolExecutor(8) as threads:
            pictures = list(threads.map(open_image, [warned_of] * 64))
    assert leaked == []
    assert {picture.mode for picture in pictures} == {"RGB"}


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
    assert "at most 3" in said
    assert megabytes < 20


@pytest.mark.parametrize(
    ("kind", "mode", "side", "options"),
    [
        ("PNG", "RGB", 5500, {"compress_level": 1}),
        ("PNG", "RGBA", 4300, {"compress_level": 1}),
        ("PNG", "P", 4000, {"compress_level": 1, "transparency": 0}),
        ("PNG", "LA", 3500, {"compress_level": 1}),
        ("PNG", "I;16", 4300, {"compress_level": 1}),
        ("JPEG", "CMYK", 4000, {"progressive": True}),
        ("JPEG", "RGB", 7000, {"progressive": True}),
        ("JPEG", "RGB", 14000, {}),
        ("TIFF", "RGBA", 4300, {"compression": "tiff_lzw"}),
        ("GIF", "P", 5000, {}),
        ("WEBP", "RGBA", 3160, {"lossless": True, "method": 0}),
        ("AVIF", "RGB", 4500, {"speed": 10}),
        ("JPEG2000", "RGB", 3100, {}),
    ],
)
def test_the_largest_allowed_picture_needs_at_most_200_megabytes(
    tmp_path, kind, mode, side, options
):
    data = saved(Image.new(mode, (side, side)), kind, **options)
    megabytes, said = more_memory(tmp_path, data)
    assert "(1600, 1600)" in said
    assert 5 < megabytes < 200


def test_a_webp_is_limited_further_because_its_decoder_needs_more():
    data = saved(Image.new("RGB", (4000, 3000)), "WEBP", method=0)
    with pytest.raises(ImageError, match="4,000 x 3,000 pixels, but at most 10 million"):
        open_image(data, "large.webp")


def test_pictures_that_are_opened_at_once_share_the_memory():
    """As many at a time as fit: two of a third each, and a large one alone."""
    budget, most, at_once = Budget(300), 0, 0
    lock = threading.Lock()

    def spend(amount):
        nonlocal most, at_once
        with budget.spent(amount):
            with lock:
                at_once += amount
                most = max(most, at_once)
            time.sleep(0.002)
            with lock:
                at_once -= amount

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(spend, [100, 300, 140] * 20))
    assert 200 <= most <= 300
    assert budget.left == 300


def test_a_jpeg_that_is_cut_short_by_a_few_bytes_is_shown_with_a_note():
    whole = saved(noise(size=(96, 96)).resize((480, 480)), "JPEG")
    for cut in (1, 2, 40):
        picture = open_image(whole[:-cut], "cat.jpg")
        assert "cut short: a little is missing" in picture.info["note"]
        difference = np.asarray(picture, int) - np.asarray(open_image(whole), int)
        assert np.abs(difference[:440]).max() == 0
    with pytest.raises(ImageError, match="damaged or cut short"):
        open_image(whole[: len(whole) * 3 // 4], "cat.jpg")


def test_a_wrong_exif_does_not_spoil_a_picture():
    assert open_image(saved(noise(), "JPEG", exif=b"Exif\0\0nothing")).size == (40, 30)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 1\n", "Git LFS pointer"),
        (b"\n<!DOCTYPE html><html>404 not found</html>", "is a web page, not a picture"),
        (b"<html><body>Log in</body></html>", "is a web page, not a picture"),
        (b"%PDF-1.7\n", "PDF document, not a picture. Save its pages as PNG"),
        (b"<?xml version='1.0'?>\n<svg xmlns='x'/>", "SVG drawing, which has no pixels yet"),
        (b"\0\0\0\x18ftypisom\0\0\0\0isommp42", "is a video, not a picture"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "is a JPEG XL picture, which cannot"),
        (b"PK\3\4", "zip archive or an office document"),
    ],
)
def test_what_is_taken_for_a_picture_is_named_as_what_it_is(data, what):
    with pytest.raises(ImageError, match=what) as caught:
        open_image(data, "cat.jpg")
    assert str(caught.value).startswith("cat.jpg is a")
