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
