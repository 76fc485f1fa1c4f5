import numpy as np
import pytest
import torch
from pages import CLASSES, make_run

from cifar_core.data import load
from cifar_core.runs.results.classifier import load_classifier
from cifar_core.runs.results.neighbors import Neighbors, compute, job, kept, path_of, rank
from cifar_core.runs.results.predictions import indexes_of


@pytest.fixture
def run(page_store):
    return make_run(page_store, "Done", train_fraction=0.05)


def features_by_hand(run, pixels):
    """What the simple CNN's pooling makes of images, layer by layer."""
    model = load_classifier(run).model
    x = torch.from_numpy(np.array(pixels)).permute(0, 3, 1, 2).float() / 255
    with torch.no_grad():
        x = model.block3(model.block2(model.block1(x * 4 - 2))).mean(dim=(2, 3))
    return (x / x.norm(dim=1, keepdim=True)).numpy()


def test_a_training_image_is_its_own_nearest(run):
    made = compute(run)
    images = load("synthetic", run.store_root).train
    place = int(made.indexes[7])
    (features,) = features_by_hand(run, images.pixels[[place]])
    first = made.likeness(5 * features).nearest[0]
    assert (first.index, first.name) == (place, CLASSES[images.labels[place]])
    assert first.similarity == pytest.approx(1, abs=1e-3)


def test_the_nearest_are_those_that_all_pairs_show_and_come_from_the_training_images(run):
    made = compute(run)
    dataset = load("synthetic", run.store_root)
    train = indexes_of(run, "train", dataset.train)
    known = features_by_hand(run, dataset.train.pixels[train])
    (asked,) = features_by_hand(run, dataset.test.pixels[:1])
    expected = np.argsort(-(known @ asked))[:6]
    found = made.likeness(asked).nearest
    assert set(made.indexes) <= set(train)
    assert [each.similarity for each in found] == pytest.approx(known[expected] @ asked, abs=1e-3)


def test_a_validation_image_in_twenty_is_called_unlike(run):
    made = compute(run)
    images = load("synthetic", run.store_root).train
    val = indexes_of(run, "val", images)
    called = [made.likeness(f).is_unlike for f in features_by_hand(run, images.pixels[val])]
    assert len(called) == len(made.validation)
    assert np.mean(called) == pytest.approx(0.05, abs=1 / len(val) + 1e-9)


def test_what_points_elsewhere_is_unlike_and_what_lies_among_them_is_not():
    angles = np.radians(np.arange(40))
    known = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    made = Neighbors(
        classes=("arc",), features=known, indexes=np.arange(40), labels=np.zeros(40, int),
        validation=np.cos(np.radians(np.linspace(0, 10, 50))).astype(np.float32),
    )  # fmt: skip
    inside, outside = (np.array([np.cos(a), np.sin(a)]) for a in np.radians([20.2, 200]))
    assert made.likeness(inside).nearer == pytest.approx(0.02)  # the one at no distance
    assert not made.likeness(inside).is_unlike
    assert made.likeness(inside).nearest[0].index == 20
    assert made.likeness(outside).nearer == 1
    assert made.likeness(outside).is_unlike


def test_features_are_kept_and_read_back_as_they_were(run):
    assert kept(run) is None
    made = compute(run)
    found = kept(run)
    for name in ("features", "indexes", "labels", "validation"):
        assert (getattr(found, name) == getattr(made, name)).all()
    assert found.classes == made.classes
    assert job(run).is_done


def test_a_flipped_bit_makes_kept_features_void(run):
    compute(run)
    path = path_of(run, run.checkpoint().name)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert kept(run) is None


def test_the_rank_grows_with_the_images():
    assert [rank(images) for images in (20, 400, 8000, 20000)] == [1, 1, 20, 50]
