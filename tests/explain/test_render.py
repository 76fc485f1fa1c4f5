import numpy as np
import pytest
from PIL import Image

from cifar_core.explain.render import (
    enlarge,
    limit_of,
    normalize,
    overlay,
    rgb,
    softened,
    stretched,
    strongest,
)
from cifar_core.palette import AGAINST, HEAT, SUPPORTS


def photo(width=48, height=40):
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    return Image.fromarray(pixels)


def gray(width=64, height=64):
    return Image.new("RGB", (width, height), (128, 128, 128))


def halves(left=1.0, right=-1.0):
    """A map [8, 8] with one value on each side."""
    return np.repeat([[left] * 4 + [right] * 4], 8, axis=0)


def lightness(color):
    """CIE L* of an sRGB color in 0..255."""
    share = np.asarray(color) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    luminance = linear @ [0.2126, 0.7152, 0.0722]
    return 116 * luminance ** (1 / 3) - 16


@pytest.mark.parametrize("signed", [True, False])
def test_a_map_of_nothing_leaves_the_picture_untouched(signed):
    result = overlay(photo(), np.zeros((8, 8)), signed=signed)
    assert np.array_equal(np.asarray(result), np.asarray(photo()))


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "P", "CMYK"])
def test_an_overlay_is_rgb_of_the_pictures_own_size(mode):
    result = overlay(photo().convert(mode), halves())
    assert (result.mode, result.size) == ("RGB", (48, 40))


def test_the_given_picture_is_not_changed():
    original = photo(2000, 100)
    before = np.asarray(original).copy()
    overlay(original, halves())
    assert np.array_equal(np.asarray(original), before)


@pytest.mark.parametrize(("size", "shown"), [
    ((3000, 1500), (1024, 512)),
    ((1500, 3000), (512, 1024)),
    ((1, 5000), (1, 1024)),
])  # fmt: skip
def test_a_large_picture_is_shown_at_1024_pixels(size, shown):
    middle = (size[0] // 4, size[1] // 4, max(size[0] // 2, 1), size[1] // 2)
    assert overlay(gray(*size), halves(), box=middle).size == shown


def test_outside_the_box_the_picture_is_dimmed_and_inside_it_is_not():
    result = np.asarray(overlay(gray(), np.zeros((8, 8)), box=(16, 16, 48, 48)))
    assert (result[16:48, 16:48] == 128).all()
    assert (result[:16] == round(128 * 0.55)).all()
    assert (result[:, 48:] == round(128 * 0.55)).all()


def test_the_map_lies_on_the_box_that_the_network_saw():
    result = np.asarray(overlay(gray(), np.ones((8, 8)), box=(16, 0, 48, 64)), int)
    colored = np.abs(result - result.mean(axis=2, keepdims=True)).max(axis=2) > 20
    assert colored[:, 16:48].all()
    assert not colored[:, :16].any()
    assert not colored[:, 48:].any()


def test_the_box_shrinks_with_a_large_picture():
    result = np.asarray(overlay(gray(2048, 1024), np.zeros((8, 8)), box=(512, 0, 1536, 1024)))
    assert (result[:, 256:768] == 128).all()
    assert (result[:, :256] < 128).all()


def test_a_sliver_at_the_far_edge_of_a_large_picture_is_still_drawn():
    result = np.asarray(overlay(gray(4000, 2000), np.ones((8, 8)), box=(3999, 1999, 4000, 2000)))
    assert result[-1, -1].tolist() != [round(128 * 0.55)] * 3
    assert (result[:-1, :-1] == round(128 * 0.55)).all()


def test_a_stretched_map_does_not_shoot_over_its_edges():
    step = halves(-1.0, 1.0).astype(np.float32)
    assert np.abs(stretched(step, 100, 100)).max() == 1


def test_support_is_orange_and_opposition_is_purple():
    result = np.asarray(overlay(gray(), halves(), signed=True, opacity=1.0))
    assert np.array_equal(result[32, 8], rgb(SUPPORTS))
    assert np.array_equal(result[32, 56], rgb(AGAINST))


def test_twice_the_value_gets_twice_the_color():
    result = np.asarray(overlay(gray(), halves(1.0, 0.5), signed=True, opacity=0.8), float)
    full, half = result[32, 8] - 128, result[32, 56] - 128
    assert half == pytest.approx(full / 2, abs=1)


def test_more_opacity_gives_more_color():
    faint, strong = (
        np.asarray(overlay(gray(), halves(), signed=True, opacity=opacity), float)
        for opacity in (0.3, 0.9)
    )
    assert np.abs(strong - 128).sum() > 2 * np.abs(faint - 128).sum()


def test_a_shared_limit_makes_maps_comparable():
    weak, strong = np.full((8, 8), 1.0), np.full((8, 8), 4.0)
    shared = limit_of(weak, strong)
    assert shared == 4.0
    assert normalize(weak, limit=shared).max() == 0.25
    assert normalize(weak).max() == 1.0


def test_one_outlier_does_not_leave_the_rest_pale():
    map_ = np.linspace(0, 1, 1024).reshape(32, 32)
    map_[0, 0] = 1000
    scaled = normalize(map_)
    assert scaled[16, 16] == pytest.approx(map_[16, 16] / 0.99, rel=0.02)
    assert scaled[0, 0] == 1


def test_a_map_with_few_values_is_still_seen():
    map_ = np.zeros((32, 32))
    map_[4, 4] = -3
    assert normalize(map_)[4, 4] == -1


def test_softening_spreads_a_speck_over_its_neighbors_and_keeps_the_sum():
    map_ = np.zeros((5, 5))
    map_[2, 2] = 16
    assert softened(map_)[1:4, 1:4].tolist() == [[1, 2, 1], [2, 4, 2], [1, 2, 1]]
    assert softened(map_).sum() == 16
    assert softened(np.ones((5, 5))).tolist() == np.ones((5, 5)).tolist()


def test_zero_stays_zero_and_signs_are_kept():
    scaled = normalize([[-2.0, 0.0, 1.0, 4.0]], percentile=100)
    assert scaled.tolist() == [[-0.5, 0.0, 0.25, 1.0]]


def test_the_heat_colors_grow_evenly_in_lightness():
    steps = np.diff([lightness(rgb(code)) for code in HEAT])
    assert steps.min() > 0.6 * steps.mean()
    assert steps.max() < 1.5 * steps.mean()


def test_supports_and_against_differ_in_lightness_too():
    assert lightness(rgb(SUPPORTS)) - lightness(rgb(AGAINST)) > 20


def test_enlarging_keeps_every_pixel_a_square():
    small = photo(32, 16)
    large = enlarge(small, 320)
    assert large.size == (320, 160)
    blocks = np.asarray(large).reshape(16, 10, 32, 10, 3)
    assert (blocks == np.asarray(small)[:, None, :, None]).all()


def test_only_the_strongest_pixels_keep_their_value_whatever_the_sign():
    map_ = np.array([[0.1, -0.9], [0.5, 0.2]], np.float32)
    assert strongest(map_, 0.5).tolist() == np.array([[0, -0.9], [0.5, 0]], np.float32).tolist()
    assert strongest(map_, 1.0) is map_


def test_what_is_not_among_the_strongest_shows_the_plain_photo():
    photo = Image.new("RGB", (32, 32), (120, 120, 120))
    map_ = np.zeros((32, 32), np.float32)
    map_[4, 4], map_[20, 20] = 1.0, 0.1
    drawn = np.asarray(overlay(photo, map_, signed=True, keep=9 / 1024, limit=1.0))
    assert (drawn[20, 20] == 120).all()
    assert (drawn[4, 4] != 120).any()


def test_a_picture_that_is_hardly_enlarged_or_made_smaller_is_drawn_smoothly():
    noise = np.asarray(photo(224, 224), float).std()
    assert np.asarray(enlarge(photo(224, 224), 96), float).std() < noise / 1.5
    assert len(np.unique(np.asarray(enlarge(gray(2, 2), 3)))) == 1
    slope = Image.fromarray(np.tile(np.arange(0, 200, 2, np.uint8), (100, 1)))
    assert len(np.unique(np.asarray(enlarge(slope, 150)))) > 100  # squares would add no value


def test_specks_of_a_large_map_are_softened_as_those_of_a_small_one():
    small, large = np.zeros((32, 32)), np.zeros((128, 128))
    small[16, 16] = large[64, 64] = 1
    assert (softened(large) > 0).sum() == 9**2
    assert (softened(small) > 0).sum() == 3**2
    assert softened(large).sum() == pytest.approx(1, abs=1e-5)
