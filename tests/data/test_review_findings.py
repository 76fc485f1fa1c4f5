"""What duplicates mean: which images are in two parts, or in two classes."""

import numpy as np

from cifar_core.data.dataset import Dataset, Images
from cifar_core.data.review.album import album_of
from cifar_core.data.review.findings import findings


def album():
    """Return a set of six training images, of which the last two are for validation, and four."""

    def part(labels, kept_back=None):
        pixels = np.zeros((len(labels), 32, 32, 3), np.uint8)
        return Images(pixels=pixels, labels=np.array(labels), kept_back=kept_back)

    return album_of(Dataset(
        kind="folder", title="pets", source="/pets", classes=("cat", "dog"),
        train=part([0, 0, 1, 1, 0, 1], np.array([4, 5])), test=part([0, 0, 1, 1]),
        fingerprint="f", note="",
    ))  # fmt: skip


def test_a_set_without_duplicates_has_nothing_to_say():
    found = findings(album(), [], [])
    assert (found.groups, found.leaked, found.nearly, found.conflicting) == ((), 0, 0, 0)


def test_test_images_that_are_also_training_images_are_counted_once():
    found = findings(album(), [[0, 6], [1, 4, 7]], [[0, 6], [2, 8]])
    assert (found.leaked, found.nearly) == (2, 1)
    assert len(found.of("leaks")) == 4
    assert [len(found.of(kind)) for kind in ("classes", "exact", "near")] == [0, 2, 2]


def test_what_is_alike_only_among_the_test_images_or_in_validation_is_no_leak_into_the_test():
    found = findings(album(), [[6, 7], [0, 4]], [])
    assert found.leaked == 0
    assert len(found.of("leaks")) == 1  # training and validation


def test_only_the_same_pixels_in_two_classes_conflict():
    found = findings(album(), [[0, 2], [6, 8, 9]], [[1, 3]])
    assert found.conflicting == found.images("classes") == 5
    assert len(found.of("classes")) == 2


def test_what_matters_most_comes_first():
    found = findings(album(), [[0, 1], [2, 0]], [[3, 9]])
    assert [one.images.tolist() for one in found.groups] == [[3, 9], [0, 2], [0, 1]]
