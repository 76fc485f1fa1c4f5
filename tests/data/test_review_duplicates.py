"""The same pictures, found again: planted copies, leaks, contradictions, and what is kept."""

import io

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from cifar_core.data.dataset import Dataset, Images
from cifar_core.data.review import duplicates
from cifar_core.data.sources import synthetic


def pictures(count, seed=0):
    """Return different pictures with some detail, uint8 [count, 32, 32, 3]."""
    random = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        coarse, fine = (
            Image.fromarray(random.integers(0, 256, (side, side, 3), dtype=np.uint8)).resize(
                (32, 32)
            )
            for side in (5, 14)
        )
        made.append(np.asarray(Image.blend(coarse, fine, 0.4)))
    return np.stack(made)


def set_of(train, test, kept_back=None):
    labels = lambda n: np.zeros(n, np.int64)  # noqa: E731
    return Dataset(
        kind="folder", title="x", source="/x", classes=("cat", "dog"), fingerprint="f", note="",
        train=Images(
            pixels=train, labels=labels(len(train)),
            kept_back=None if kept_back is None else np.array(kept_back),
        ),
        test=Images(pixels=test, labels=labels(len(test))),
    )  # fmt: skip


def images_of(groups):
    return [set(getattr(group, "images", group)) for group in groups]


def recompressed(image, quality=50):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def shifted(image):
    return np.pad(image, ((1, 0), (0, 1), (0, 0)), mode="edge")[:32, 1:]


def brighter(image):
    return np.asarray(ImageEnhance.Brightness(Image.fromarray(image)).enhance(0.7))


EDITS = {
    "compressed": recompressed,
    "shifted": shifted,
    "darker": brighter,
    "mirrored": lambda image: np.ascontiguousarray(image[:, ::-1]),
    "mirrored and compressed": lambda image: recompressed(np.ascontiguousarray(image[:, ::-1])),
}


@pytest.mark.parametrize("edit", EDITS)
def test_a_planted_near_duplicate_is_found_and_nothing_else(edit):
    train, test = pictures(60), pictures(20, seed=1)
    test[3] = EDITS[edit](train[10])
    found = duplicates.duplicates(set_of(train, test))
    assert images_of(found.near) == [{("train", 10), ("test", 3)}]
    assert found.exact == ()
    assert found.images == 80
    assert 0 <= found.near[0].distance < 0.1


def test_the_same_pixels_are_exact_and_no_near_group_of_their_own():
    train, test = pictures(30), pictures(10, seed=1)
    train[7] = train[20] = train[2]
    found = duplicates.duplicates(set_of(train, test))
    assert images_of(found.exact) == [{("train", 2), ("train", 7), ("train", 20)}]
    assert found.near == ()


def test_a_near_group_takes_in_the_exact_ones_that_it_touches():
    train, test = pictures(30), pictures(10, seed=1)
    train[7], train[9] = train[2], recompressed(train[2])
    found = duplicates.duplicates(set_of(train, test))
    assert images_of(found.near) == [{("train", 2), ("train", 7), ("train", 9)}]
    groups = found.groups()
    assert set(groups) == {2, 7, 9}
    assert len(set(groups.values())) == 1


def test_an_image_is_named_by_its_part_and_validation_images_by_their_place_in_train():
    train, test = pictures(30), pictures(10, seed=1)
    train[20], test[4] = train[2], train[5]
    found = duplicates.duplicates(set_of(train, test, kept_back=[20, 21]))
    assert images_of(found.exact) == [{("train", 2), ("val", 20)}, {("train", 5), ("test", 4)}]
    assert found.groups() == {2: 0, 20: 0, 5: 1}


@pytest.mark.parametrize("side", [16, 48, 64])
def test_other_sizes_are_compared_alike(side):
    small = pictures(12)
    big = np.stack([np.asarray(Image.fromarray(image).resize((side, side))) for image in small])
    big[9] = EDITS["mirrored and compressed"](big[1])
    found = duplicates.duplicates(set_of(big[:8], big[8:]))
    assert images_of(found.near) == [{("train", 1), ("test", 1)}]


def test_pictures_of_one_color_are_not_like_each_other():
    plain = np.stack([np.full((32, 32, 3), shade, np.uint8) for shade in range(20)])
    found = duplicates.duplicates(set_of(plain[:10], plain[10:]))
    assert found.exact == found.near == ()


def test_the_job_keeps_its_result_by_fingerprint(tmp_path):
    dataset = synthetic.load("synthetic", tmp_path)
    assert duplicates.kept(dataset.fingerprint, tmp_path) is None
    job = duplicates.look(dataset, tmp_path, "ana")
    job.path.parent.mkdir(parents=True)  # as Job.start does
    duplicates.do_job({**job.request, "path": str(job.path)}, lambda done, total: None)
    found = duplicates.kept(dataset.fingerprint, tmp_path)
    assert job.is_done
    assert found.images == len(dataset.train) + len(dataset.test)
    assert duplicates.kept("another", tmp_path) is None


def test_a_result_of_another_version_or_a_damaged_one_is_not_used(tmp_path):
    path = duplicates.path_of("f", tmp_path)
    path.parent.mkdir(parents=True)
    path.write_text('{"version": 0, "images": 3}')
    assert duplicates.kept("f", tmp_path) is None
    path.write_text('{"version": 1, "exact": [[["train"')
    assert duplicates.kept("f", tmp_path) is None
