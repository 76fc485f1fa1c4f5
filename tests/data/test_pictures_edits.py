"""Choosing the region that a network sees, and covering a part of it."""

import numpy as np
import pytest
from PIL import Image

from cifar_core.data.pictures.edits import covered, inside, square
from cifar_core.data.pictures.images import network_view, seen_box


def photo(width=60, height=40):
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    return Image.fromarray(pixels)


def test_the_whole_square_in_the_middle_is_what_a_network_sees_anyway():
    assert square((60, 40), 1.0, 0.5, 0.5) == seen_box(photo()) == (10, 0, 50, 40)
    for width in range(40, 50):
        assert square((width, 40), 1.0, 0.5, 0.5) == seen_box(photo(width, 40))
        assert square((40, width), 1.0, 0.5, 0.5) == seen_box(photo(40, width))


def test_a_square_never_leaves_the_picture():
    assert square((60, 40), 0.5, 1.0, 1.0) == (40, 20, 60, 40)
    assert square((60, 40), 0.0, 1.0, 1.0) == (59, 39, 60, 40)


def test_the_network_sees_the_chosen_region():
    image = photo()
    view = network_view(image, box=(20, 4, 52, 36))
    assert np.array_equal(np.asarray(view), np.asarray(image)[4:36, 20:52])
    assert network_view(image, box=(0, 0, 16, 16)).size == (32, 32)


@pytest.mark.parametrize("how", ["grey", "blur"])
def test_only_the_covered_part_changes_and_the_picture_itself_does_not(how):
    image, box = photo(), inside((10, 0, 50, 40), (4, 6, 20, 22))
    before = np.asarray(image).copy()
    after = np.asarray(covered(image, box, how))
    changed = (after != before).any(axis=2)
    assert box == (14, 6, 30, 22)
    assert changed[6:22, 14:30].mean() > 0.9
    changed[6:22, 14:30] = False
    assert not changed.any()
    assert np.array_equal(np.asarray(image), before)
