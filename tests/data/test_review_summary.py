import numpy as np
import pytest

from cifar_core.data.dataset import Dataset, Images
from cifar_core.data.review.album import album_of, gray, sample
from cifar_core.data.review.class_counts import class_counts
from cifar_core.data.review.sizes import MOST_BARS, histogram, size_summary, values_of
from cifar_core.data.review.trust import Facts, trust


def dataset(train=(0, 0, 0, 1), test=(0, 1), classes=("cat", "dog"), kept_back=None):
    """Return a set whose images are of one value each: their number."""

    def part(labels, first, kept_back=None):
        pixels = np.zeros((len(labels), 32, 32, 3), np.uint8)
        pixels += (np.arange(len(labels)) + first).astype(np.uint8)[:, None, None, None]
        return Images(pixels=pixels, labels=np.array(labels, np.int64), kept_back=kept_back)

    return Dataset(
        kind="folder", title="pets", source="/pets", classes=classes,
        train=part(train, 0, kept_back), test=part(test, len(train)), fingerprint="f", note="",
    )  # fmt: skip


def counts(*amounts, names=None):
    """Return the counts of classes with these amounts of training images."""
    labels = np.repeat(np.arange(len(amounts)), amounts)
    names = names or tuple(f"class {i}" for i in range(len(amounts)))
    return class_counts(album_of(dataset(labels, (), names)))


def test_an_album_numbers_the_images_of_all_parts():
    album = album_of(
        dataset(kept_back=np.array([1, 3])),
        names=["a.jpg", "b.jpg", "c.jpg", "d.jpg", "t.jpg", "u.jpg"],
        sizes=np.full((6, 2), 40, np.int32),
    )
    assert [album.part(i) for i in range(6)] == ["train", "val", "train", "val", "test", "test"]
    assert album.present == ["train", "val", "test"]
    assert album.pixels(np.array([5, 0, 4]))[:, 0, 0, 0].tolist() == [5, 0, 4]
    assert (album.name(3), album.label(3)) == ("d.jpg", "dog")
    assert album.sizes is not None


def test_an_album_without_names_and_sizes_says_where_an_image_is():
    album = album_of(dataset(), names=["of another length"], sizes=np.zeros((3, 2), np.int32))
    assert album.name(5) == "Test image 1"
    assert album.sizes is None
    assert album.present == ["train", "test"]


def test_a_sample_has_about_as_many_of_each_class_and_is_the_same_for_a_seed():
    album = album_of(dataset([0] * 90 + [1] * 10, [0]))
    among = album.in_part("train")
    chosen = sample(album, among, 12, seed=3)
    assert np.bincount(album.labels[chosen]).tolist() == [6, 6]
    assert chosen.tolist() == sample(album, among, 12, seed=3).tolist()
    assert chosen.tolist() != sample(album, among, 12, seed=4).tolist()
    assert len(set(sample(album, among, 500, seed=0).tolist())) == 100
    assert not len(sample(album, np.zeros(101, bool), 12, seed=0))


def test_of_more_classes_than_places_a_sample_has_one_image_of_each():
    album = album_of(dataset(np.repeat(np.arange(50), 3), (), tuple(map(str, range(50)))))
    chosen = sample(album, album.in_part("train"), 20, seed=0)
    assert len(set(album.labels[chosen].tolist())) == 20


def test_images_without_color_are_found():
    images = dataset()
    images.train.pixels[2, 5, 5, 0] += 1
    assert gray(album_of(images)).tolist() == [True, True, False, True, True, True]


def test_classes_are_counted_by_part_with_their_shares():
    found = class_counts(album_of(dataset(kept_back=np.array([1, 3]))))
    assert {part: row.tolist() for part, row in found.by_part.items()} == {
        "train": [2, 0], "val": [1, 1], "test": [1, 1],
    }  # fmt: skip
    assert found.totals.tolist() == [4, 2]
    assert found.majority_share == pytest.approx(2 / 3)
    assert found.imbalance == 2
    assert counts(5, 0).imbalance == float("inf")


def test_pictures_of_one_size_are_one_bar():
    sizes = np.full((7, 2), (40, 30), np.int32)
    assert [(bar.label, bar.count) for bar in histogram(sizes, "width")] == [("40", 7)]
    summary = size_summary(sizes)
    assert (summary.median, summary.distinct) == ((40, 30), 1)


@pytest.mark.parametrize("largest", [60, 400, 9000])
@pytest.mark.parametrize("measure", ["width", "height", "shape"])
def test_every_picture_is_in_exactly_one_bar(largest, measure):
    sizes = np.random.default_rng(0).integers(1, largest, (500, 2)).astype(np.int32)
    bars = histogram(sizes, measure)
    assert len(bars) <= MOST_BARS
    values = values_of(sizes, measure)
    held = np.sum([bar.holds(values) for bar in bars], axis=0)
    assert held.tolist() == [1] * 500
    assert [bar.count for bar in bars] == [int(bar.holds(values).sum()) for bar in bars]


def test_shapes_are_named_and_the_smallest_and_largest_pictures_found():
    sizes = np.array([[3000, 20], [20, 3000], [32, 32], [40, 30], [1, 1]], np.int32)
    labels = [bar.label for bar in histogram(sizes, "shape")]
    assert labels == ["over 2.5 times as tall as wide", "about square", "wide, up to 1.6 : 1",
                      "over 2.5 times as wide as tall"]  # fmt: skip
    summary = size_summary(sizes)
    assert (summary.smallest, summary.largest, summary.distinct) == (4, 0, 5)


@pytest.mark.parametrize(
    ("amounts", "words"),
    [
        ((50, 50), "100 images of 2 classes; the same number of each."),
        ((51, 50), "101 images of 2 classes; about as many of each."),
        ((800, 200, 400), "1,400 images of 3 classes; the largest is 4 times the smallest."),
        ((990, 10), "1,000 images of 2 classes; 99.0\u00a0% are class 0, the smallest has only "
                    "10."),
        ((7,), "7 images of 1 class."),
        ((30, 0, 30), "60 images of 3 classes; class 1 has none."),
        ((6000, 2, 6000, 6000), "18,002 images of 4 classes; the largest is 3,000 times the "
                                "smallest, the smallest has only 2."),
    ],
)  # fmt: skip
def test_the_sentence_says_how_many_images_and_how_even(amounts, words):
    assert trust(Facts(counts=counts(*amounts))) == words


def test_the_sentence_says_what_is_wrong():
    facts = Facts(counts=counts(50, 50), unreadable=1, ignored=1, leaked=12, conflicting=1)
    assert trust(facts) == (
        "100 images of 2 classes; the same number of each; 2 files were left out; 12 test images "
        "are also training images; 1 image is in two classes."
    )
    fine = Facts(counts=counts(50, 50), leaked=0, conflicting=0)
    assert trust(fine) == "100 images of 2 classes; the same number of each."
