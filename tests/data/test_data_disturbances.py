import numpy as np
import pytest

from cifar_core.data.disturbances import DISTURBANCES, noisy, shifted


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, (6, 32, 32, 3), dtype=np.uint8)


def disturbed(pixels, key, strength, seed=0):
    return DISTURBANCES[key].apply(pixels, strength, np.random.default_rng(seed))


@pytest.mark.parametrize(
    ("key", "strength"), [(k, s) for k, spec in DISTURBANCES.items() for s in spec.strengths]
)
def test_every_disturbance_changes_pictures_and_repeats_with_its_seed(key, strength, pixels):
    before = pixels.copy()
    found = disturbed(pixels, key, strength)
    assert (found.shape, found.dtype) == (pixels.shape, pixels.dtype)
    assert (found != pixels).any(axis=(1, 2, 3)).all()
    assert (found == disturbed(pixels, key, strength)).all()
    assert (pixels == before).all()
    assert DISTURBANCES[key].unit.format(strength)


@pytest.mark.parametrize("key", ["blur", "noise", "jpeg"])
def test_a_stronger_disturbance_changes_more(key):
    smooth = np.tile(np.linspace(0, 255, 32), (2, 32, 3, 1)).transpose(0, 1, 3, 2).astype(np.uint8)
    smooth = np.ascontiguousarray(smooth)
    smooth[:, 8:16, 8:16] = 255 - smooth[:, 8:16, 8:16]
    change = [
        np.abs(disturbed(smooth, key, s).astype(int) - smooth).mean()
        for s in DISTURBANCES[key].strengths
    ]
    assert change == sorted(change)
    assert change[0] < change[-1]


def test_a_shift_by_two_moves_every_pixel_by_two(pixels):
    found = shifted(pixels, 2, np.random.default_rng(0))
    for before, after in zip(pixels, found, strict=True):
        ways = [
            (after[2:] == before[:-2]).all(),
            (after[:-2] == before[2:]).all(),
            (after[:, 2:] == before[:, :-2]).all(),
            (after[:, :-2] == before[:, 2:]).all(),
        ]
        assert sum(ways) == 1


def test_flipping_twice_gives_the_picture_back(pixels):
    assert (disturbed(disturbed(pixels, "flip", 1), "flip", 1) == pixels).all()


def test_half_as_bright_is_half_of_every_pixel():
    gray = np.full((1, 32, 32, 3), 100, np.uint8)
    assert (disturbed(gray, "brightness", 0.5) == 50).all()


def test_the_noise_has_the_standard_deviation_that_it_says():
    gray = np.full((10, 32, 32, 3), 128, np.uint8)
    noise = noisy(gray, 0.1, np.random.default_rng(0)).astype(float) - 128
    assert noise.std() == pytest.approx(25.5, rel=0.02)


def doubled(pixels):
    return pixels.repeat(2, axis=1).repeat(2, axis=2)


@pytest.mark.parametrize("key", ["shift", "flip", "noise", "brightness"])
def test_a_strength_changes_a_picture_in_double_size_alike(key, pixels):
    strength = DISTURBANCES[key].strengths[-1]
    large, small = (disturbed(some, key, strength) for some in (doubled(pixels), pixels))
    assert (large == doubled(small)).all()


def test_a_blur_of_a_picture_in_double_size_is_twice_as_wide():
    edge = np.zeros((1, 32, 32, 3), np.uint8)
    edge[:, :, 16:] = 255
    small = disturbed(edge, "blur", 2)[0, 16, :, 0].astype(int)
    large = disturbed(doubled(edge), "blur", 2)[0, 32, :, 0].astype(int)
    assert np.abs(large.reshape(32, 2).mean(axis=1) - small).max() < 8


@pytest.mark.parametrize("side", [16, 28, 50, 224])
@pytest.mark.parametrize("key", DISTURBANCES)
def test_every_disturbance_takes_images_of_any_size(key, side):
    images = np.random.default_rng(0).integers(0, 256, (2, side, side, 3), dtype=np.uint8)
    found = disturbed(images, key, DISTURBANCES[key].strengths[0])
    assert found.shape == images.shape
    assert (found != images).any(axis=(1, 2, 3)).all()


def test_a_strength_is_named_as_it_acts():
    assert DISTURBANCES["shift"].words(2, 32) == "2 px"
    assert DISTURBANCES["shift"].words(2, 224) == "14 px"
    assert DISTURBANCES["noise"].words(0.05, 224) == "5%"
