"""Pictures on the pages: what a network of any size sees of them, and how small they are sent."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from app.shared.charts import picture_rows
from app.shared.pictures.picture import Picture, large
from app.shared.pictures.thumbnails import thumbnails
from cifar_core.data.sizing import FITS, Sizing


def stripes(width=200, height=100):
    """A picture whose left, middle and right have one color each."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, : width // 4, 0] = pixels[:, width // 4 : -width // 4, 1] = 255
    pixels[:, -width // 4 :, 2] = 255
    return Picture(name="stripes", image=Image.fromarray(pixels))


def sized(**sizing):
    return replace(stripes(), sizing=Sizing(**{"stored": sizing["side"], **sizing}))


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("side", [32, 64, 224])
def test_a_network_sees_a_picture_at_its_own_size_in_its_own_way(side, fit):
    seen = np.asarray(sized(side=side, fit=fit).seen)
    assert seen.shape == (side, side, 3)
    red, blue = seen[side // 2, 0], seen[side // 2, -1]
    assert (red[0] > 200) == (blue[2] > 200) == (fit != "crop")
    assert (seen[0].max() == 0) == (fit == "fit")


def test_the_region_and_its_place_are_those_of_the_way_that_pictures_become_square():
    assert sized(side=64).region == (50, 0, 150, 100)
    assert sized(side=64).pictured == (0, 0, 64, 64)
    assert sized(side=224, stored=256).region == (56, 6, 144, 94)
    fitted = sized(side=64, fit="fit")
    assert (fitted.region, fitted.pictured) == ((0, 0, 200, 100), (0, 16, 64, 48))
    stretched = sized(side=64, fit="stretch")
    assert (stretched.region, stretched.pictured) == ((0, 0, 200, 100), (0, 0, 64, 64))


@pytest.mark.parametrize("fit", FITS)
def test_a_chosen_region_is_seen_whole_at_every_size(fit):
    chosen = replace(sized(side=64, stored=73, fit=fit), box=(0, 0, 50, 50))
    assert (np.asarray(chosen.seen) == (255, 0, 0)).all()
    assert chosen.pictured == (0, 0, 64, 64)
    assert chosen.seen_words.endswith("You chose the region.")


def test_the_words_about_what_is_seen_are_those_of_the_size_and_the_way():
    assert sized(side=64, fit="fit").seen_words == (
        "64 x 64 pixels, whatever the size of the picture. The whole picture is kept, with black "
        "borders on two sides."
    )
    square = replace(sized(side=64), image=Image.new("RGB", (90, 90)))
    assert square.seen_words == "64 x 64 pixels, whatever the size of the picture."
    assert "The middle of the centered square" in sized(side=224, stored=256).seen_words


def test_an_image_of_a_set_is_the_same_picture_at_every_size():
    small, big = (
        Picture(name="1", image=Image.new("RGB", (s, s)), ref="test-1", source="pets")
        for s in (32, 64)
    )
    assert small.key == big.key
    assert small.key != replace(small, source="birds").key


def test_pictures_are_sent_no_larger_than_they_are_shown():
    assert thumbnails(np.zeros((5, 224, 224, 3), np.uint8), 96).shape == (5, 96, 96, 3)
    assert thumbnails(np.zeros((0, 224, 224, 3), np.uint8), 96).shape == (0, 96, 96, 3)
    small = np.zeros((5, 32, 32, 3), np.uint8)
    assert thumbnails(small, 96) is small


def test_rows_of_large_pictures_are_as_large_as_rows_of_small_ones():
    small, big = (np.full((2, s, s, 3), 9, np.uint8) for s in (32, 224))
    assert picture_rows([big, big], zoom=3).size == picture_rows([small, small], zoom=3).size


def test_only_small_pictures_are_enlarged():
    assert large(Image.new("RGB", (32, 32))).size == (320, 320)
    assert large(Image.new("RGB", (224, 224))).size == (224, 224)
