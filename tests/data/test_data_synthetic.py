import hashlib

import numpy as np
import pytest

from cifar_core.data.sources import synthetic
from cifar_core.data.sources.drawing import draw
from cifar_core.data.sources.shapes import SHAPES
from cifar_core.data.sources.synthetic import is_source, load


@pytest.fixture(scope="module")
def drawn():
    return draw(60, seed=5)


def test_every_class_has_as_many_images_in_mixed_order(drawn):
    images, masks = drawn
    assert np.bincount(images.labels).tolist() == [60] * len(SHAPES)
    assert images.pixels.shape == (600, 32, 32, 3)
    assert images.pixels.dtype == np.uint8
    assert masks.shape == (600, 32, 32)
    assert len(set(images.labels[:30])) > 5


def test_the_same_seed_draws_the_same_images(drawn):
    again, masks = draw(60, seed=5)
    assert np.array_equal(again.pixels, drawn[0].pixels)
    assert np.array_equal(masks, drawn[1])
    assert not np.array_equal(draw(2, seed=6)[0].pixels, draw(2, seed=5)[0].pixels)


@pytest.mark.parametrize(
    ("per_class", "seed", "wanted"),
    [
        (20, 20, "5df4e2b6e5c62290c9a5f3cd4608b1fa742e18d425f346fdf409b28ed279292c"),
        (60, 5, "de81d7faf8a701c0a52faa0b9f0d5f28d348b8f2d364a7c4cf0851fcd919d902"),
        (200, 21, "c7cc023f91ec5e3ac9e98c1c9aa873c68a0c5a847ed90333cffb3910422aaf20"),
    ],
)
def test_the_images_are_those_that_were_once_drawn_one_by_one(per_class, seed, wanted):
    images, masks = draw(per_class, seed)
    parts = (images.pixels, images.labels, masks)
    assert hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest() == wanted


def test_every_object_is_in_the_picture_and_leaves_room_around(drawn):
    share = drawn[1].mean(axis=(1, 2))
    assert share.min() > 0.02
    assert share.max() < 0.6


def test_the_mask_is_where_the_object_stands_out(drawn):
    images, masks = drawn
    steps = []
    for image, mask in zip(images.pixels.astype(float), masks, strict=True):
        steps.append(np.linalg.norm(image[mask].mean(axis=0) - image[~mask].mean(axis=0)))
    assert np.median(steps) > 80  # of 255, on average over the object
    assert np.mean(np.array(steps) > 30) > 0.95


def test_objects_of_all_classes_lie_everywhere_so_that_the_place_tells_nothing(drawn):
    images, masks = drawn
    for label in range(len(SHAPES)):
        boxes = [box(mask) for mask in masks[images.labels == label]]
        centers = np.mean(boxes, axis=1)  # [60, 2]
        assert np.abs(centers.mean(axis=0) - 15.5).max() < 2.5
        assert centers.std(axis=0).min() > 2


def box(mask):
    """The first and the last row and column that the object covers."""
    places = np.argwhere(mask)
    return places.min(axis=0), places.max(axis=0)


def test_pixels_and_colors_alone_do_not_tell_the_class():
    train, test = draw(100, seed=0)[0], draw(30, seed=1)[0]
    inputs = [part.pixels.reshape(len(part), -1) / 255 - 0.5 for part in (train, test)]
    smooth = [part.pixels.mean(axis=(1, 2)) / 255 - 0.5 for part in (train, test)]
    for learn, check in (inputs, smooth):
        weights = ridge(learn, np.eye(len(SHAPES))[train.labels])
        right = ((check @ weights).argmax(axis=1) == test.labels).mean()
        assert right < 0.35


def ridge(inputs, targets, strength=100.0):
    """The linear classifier with the least squared error, solved through the images' products."""
    products = inputs @ inputs.T + strength * np.eye(len(inputs))
    return inputs.T @ np.linalg.solve(products, targets)


def test_the_dataset_says_that_it_is_drawn_and_is_kept(tmp_path, monkeypatch):
    dataset = load("synthetic:50", tmp_path)
    assert (len(dataset.train), len(dataset.test)) == (50, 10)
    assert (dataset.kind, dataset.source) == ("synthetic", "synthetic:50")
    assert "not photographs" in dataset.note
    monkeypatch.setattr(synthetic, "draw", None)  # drawing again would fail
    again = load("synthetic:50", tmp_path)
    assert again.fingerprint == dataset.fingerprint
    assert np.array_equal(again.train_masks, dataset.train_masks)


@pytest.mark.parametrize(
    ("source", "known"),
    [
        ("synthetic", True),
        ("synthetic:300", True),
        ("synthetic:0", False),
        ("synthetic.zip", False),
    ],
)
def test_only_its_own_names_are_taken(source, known):
    assert is_source(source) is known


@pytest.mark.parametrize("source", ["synthetic:7", "synthetic:64", "synthetic:105"])
def test_the_sizes_are_known_before_anything_is_drawn(source, tmp_path):
    images = load(source, tmp_path)
    assert synthetic.sizes_of(source) == (len(images.train), len(images.test))
