"""A few images at a run's size, before the set is decoded at that size."""

import numpy as np
import pytest
from decoding_helpers import as_folder
from PIL import Image
from test_sizing import ROOMY, photo, saved

from cifar_core import data
from cifar_core.data.sizing import USUAL, Sizing
from cifar_core.data.sizing.glimpse import glimpse
from cifar_core.errors import DataError

CHOSEN = np.array([0, 3, 5])


@pytest.fixture(scope="module")
def pets(tmp_path_factory):
    contents = {
        f"{part}/{label}/{n}.png": saved(photo((240, 180), seed=10 * n + len(label)))
        for part in ("train", "test")
        for label in ("cat", "lion")
        for n in range(4)
    }
    return str(as_folder(tmp_path_factory.mktemp("photos") / "pets", contents))


@pytest.mark.parametrize("sizing", [USUAL, ROOMY, Sizing(side=48, fit="fit", stored=48)])
def test_it_shows_what_a_run_will_have(pets, tmp_path, sizing):
    data.load(pets, tmp_path)
    before = glimpse(pets, tmp_path, CHOSEN, sizing)
    train = data.load(pets, tmp_path, sizing).train
    after = glimpse(pets, tmp_path, CHOSEN, sizing)
    for found in (before, after):
        np.testing.assert_array_equal(found.pixels, train.pixels[CHOSEN])
        if sizing.is_wider:
            np.testing.assert_array_equal(found.wider, train.wider[CHOSEN])
        else:
            assert found.wider is None


def test_nothing_is_decoded_for_it(pets, tmp_path):
    with pytest.raises(DataError, match="are not read yet"):
        glimpse(pets, tmp_path, CHOSEN, ROOMY)
    data.load(pets, tmp_path)
    before = sorted((tmp_path / "data").rglob("*"))
    glimpse(pets, tmp_path, CHOSEN, ROOMY)
    assert sorted((tmp_path / "data").rglob("*")) == before


def test_a_picture_that_is_gone_is_said(pets, tmp_path):
    folder = tmp_path / "copy"
    contents = {
        f"{part}/{label}/{n}.png": saved(Image.new("RGB", (80, 80), (20 * n, 0, 0)))
        for part in ("train", "test")
        for label in ("a", "b")
        for n in range(3)
    }
    as_folder(folder, contents)
    data.load(str(folder), tmp_path)
    (folder / "train/a/0.png").write_bytes(b"no picture")
    with pytest.raises(DataError):
        glimpse(str(folder), tmp_path, np.array([0]), ROOMY)


def test_drawn_images_are_drawn_at_the_size(tmp_path):
    found = glimpse("synthetic", tmp_path, np.arange(8), Sizing(side=64, stored=64))
    assert found.pixels.shape == (8, 64, 64, 3)
