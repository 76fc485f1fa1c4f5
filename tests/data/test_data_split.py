import numpy as np
import pytest

from cifar_core.config.data_settings import DataSettings
from cifar_core.data.dataset import Images
from cifar_core.data.split import split, split_of

LABELS = np.random.default_rng(0).permutation(np.repeat(np.arange(4), [40, 60, 80, 100]))


def parts(train_fraction=1.0, val_fraction=0.25, seed=0, labels=LABELS):
    return split(labels, train_fraction=train_fraction, val_fraction=val_fraction, seed=seed)


def test_every_image_is_in_exactly_one_part():
    train, val = parts()
    assert sorted([*train, *val]) == list(range(len(LABELS)))


def test_every_class_gives_the_same_share():
    train, val = parts()
    assert np.bincount(LABELS[val]).tolist() == [10, 15, 20, 25]
    assert np.bincount(LABELS[train]).tolist() == [30, 45, 60, 75]


def test_the_same_seed_gives_the_same_split_and_another_seed_another():
    again, other = parts(), parts(seed=1)
    assert np.array_equal(parts()[1], again[1])
    assert not np.array_equal(parts()[1], other[1])


def test_less_training_data_is_a_subset_and_leaves_the_validation_images_alone():
    (half, val_half), (tenth, val_tenth) = parts(0.5), parts(0.1)
    assert set(tenth) < set(half) < set(parts()[0])
    assert np.array_equal(val_half, val_tenth)
    assert np.bincount(LABELS[tenth]).tolist() == [3, 4, 6, 8]


def test_indices_are_sorted_so_that_reading_them_is_fast():
    for part in parts():
        assert np.all(np.diff(part) > 0)


@pytest.mark.parametrize("count", [2, 3])
def test_the_smallest_classes_keep_an_image_in_each_part(count):
    labels = np.repeat(np.arange(3), count)
    train, val = parts(0.001, 0.5, labels=labels)
    assert np.bincount(labels[train]).tolist() == [1, 1, 1]
    assert np.bincount(labels[val], minlength=3).min() >= 1


def test_a_single_image_is_learned_from():
    train, val = parts(labels=np.array([0]))
    assert (train.tolist(), val.tolist()) == ([0], [])


def test_validation_images_that_a_set_names_are_used_as_such():
    labels = np.repeat([0, 1], 20)
    images = Images(
        pixels=np.zeros((40, 1, 1, 3), np.uint8), labels=labels, kept_back=np.array([3, 25, 26])
    )
    train, val = split_of(images, DataSettings(train_fraction=0.5, val_fraction=0.4))
    assert val.tolist() == [3, 25, 26]
    assert not set(train) & set(val)
    assert np.bincount(labels[train]).tolist() == [10, 9]
