"""What a network sees of a picture: the same bits as ever where nothing is scaled, and cheap."""

import io
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from cifar_core.data.pictures.images import network_view, open_image
from cifar_core.data.pictures.network_pixels import network_pixels
from cifar_core.data.sizing import USUAL, Sizing
from cifar_core.errors import ImageError

AT_48, AT_64 = (Sizing(side=side, stored=side) for side in (48, 64))


def saved(image, kind="PNG", **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def photo(size, mode="RGB"):
    """Return a smooth picture with some detail."""
    pixels = np.random.default_rng(size[0]).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    return Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC).convert(mode)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_picture_of_the_right_size_is_decoded_bit_for_bit(kind, mode):
    """So that the fingerprints of sets that were decoded before stay."""
    data = saved(photo((32, 32), mode), kind)
    bare = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    seen = network_pixels(data, "cat", USUAL)
    assert np.array_equal(seen.pixels, bare)
    assert (seen.width, seen.height, seen.depth, seen.lossy) == (32, 32, 0, kind == "JPEG")


@pytest.mark.parametrize("size", [(40, 30), (30, 41), (500, 375), (7, 90)])
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_what_is_not_large_is_seen_as_on_the_pages(size, kind):
    data = saved(photo(size), kind)
    expected = np.asarray(network_view(open_image(data), AT_64))
    assert np.array_equal(network_pixels(data, "cat", AT_64).pixels, expected)


@pytest.mark.parametrize(("kind", "mode"), [("JPEG", "RGB"), ("JPEG", "L"), ("PNG", "RGB")])
def test_a_large_picture_is_read_coarsely_and_looks_the_same(kind, mode):
    data = saved(photo((3000, 2300), mode), kind)
    fine = np.asarray(network_view(open_image(data)), int)
    seen = network_pixels(data, "cat", USUAL)
    assert np.abs(seen.pixels - fine).mean() < (5 if kind == "JPEG" else 1)
    assert (seen.width, seen.height) == (3000, 2300)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_width_and_height_are_those_of_the_upright_picture(kind, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = saved(photo((600, 400)), kind, exif=exif)
    seen = network_pixels(data, "cat", USUAL)
    assert (seen.width, seen.height) == ((600, 400) if orientation < 5 else (400, 600))
    expected = np.asarray(network_view(open_image(data)), int)
    assert np.abs(seen.pixels - expected).mean() < 2


@pytest.mark.parametrize(
    ("mode", "kind", "gray"),
    [("L", "JPEG", True), ("1", "PNG", True), ("LA", "PNG", True), ("I;16", "PNG", True),
     ("RGB", "PNG", False), ("P", "PNG", False), ("CMYK", "JPEG", False)],
)  # fmt: skip
def test_gray_is_what_has_one_channel(mode, kind, gray):
    image = photo((40, 40), "L").convert("I;16") if mode == "I;16" else photo((40, 40), mode)
    seen = network_pixels(saved(image, kind), "cat", USUAL)
    assert seen.gray is gray
    assert seen.pixels.shape == (32, 32, 3)
    if gray:
        assert np.array_equal(seen.pixels[..., 0], seen.pixels[..., 2])


@pytest.mark.parametrize("size", [(3000, 20), (17000, 900), (1, 1), (1, 2000)])
def test_extreme_shapes_are_seen(size):
    seen = network_pixels(saved(Image.new("RGB", size, (0, 99, 0)), "PNG"), "cat", USUAL)
    assert (seen.pixels == (0, 99, 0)).all()
    assert (seen.width, seen.height) == size


@pytest.mark.parametrize("shape", [(32, 32, 3), (32, 32), (28, 28), (50, 40, 3)])
def test_pixels_that_need_no_decoding_are_taken_as_they_are(shape):
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    seen = network_pixels(pixels, "row 3", USUAL)
    assert (seen.height, seen.width, seen.gray, seen.lossy) == (*shape[:2], len(shape) == 2, False)
    assert seen.pixels.shape == (32, 32, 3)
    if shape[:2] == (32, 32):
        assert np.array_equal(seen.pixels[..., 1], pixels[..., 1] if len(shape) == 3 else pixels)


def test_many_threads_see_the_same_as_one():
    files = [
        saved(photo((200 + 40 * number, 300)), ("JPEG", "PNG", "WEBP", "GIF")[number % 4])
        for number in range(16)
    ]
    alone = [network_pixels(data, "cat", AT_48).pixels for data in files]
    with ThreadPoolExecutor(8) as threads:
        together = list(
            threads.map(lambda data: network_pixels(data, "cat", AT_48).pixels, files * 3)
        )
    assert all(map(np.array_equal, together, alone * 3))


def test_what_cannot_be_read_says_which_file():
    with pytest.raises(ImageError, match=r"^train/cat/7\.jpg is damaged or cut short"):
        network_pixels(saved(photo((90, 90)), "JPEG")[:1000], "train/cat/7.jpg", USUAL)
