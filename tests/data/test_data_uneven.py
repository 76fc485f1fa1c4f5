import numpy as np
import pytest

from cifar_core.data.augmentation.augment import order as shuffled
from cifar_core.data.batches import Batches
from cifar_core.data.uneven.class_weights import WEIGHINGS, weights
from cifar_core.data.uneven.orders import ORDERS, balanced, order_of

LABELS = np.repeat([0, 2, 3], [90, 7, 3])  # class 1 has no images
COUNTS = np.bincount(LABELS)


def test_the_shuffled_order_is_what_it_was_before_there_were_others():
    assert (order_of(LABELS, "shuffled", seed=3, epoch=4) == shuffled(100, seed=3, epoch=4)).all()


@pytest.mark.parametrize("key", ORDERS)
def test_an_order_is_a_pure_function_of_seed_and_epoch(key):
    orders = [order_of(LABELS, key, seed=s, epoch=e) for s, e in ((1, 2), (1, 2), (1, 3), (2, 2))]
    assert (orders[0] == orders[1]).all()
    assert not (orders[0] == orders[2]).all()
    assert not (orders[0] == orders[3]).all()
    assert {len(order) for order in orders} == {len(LABELS)}


@pytest.mark.parametrize("epoch", [0, 1, 2, 1000])
def test_a_balanced_epoch_shows_every_class_equally_often(epoch):
    shown = np.bincount(LABELS[balanced(LABELS, seed=5, epoch=epoch)], minlength=4)
    assert shown.sum() == len(LABELS)
    assert shown[1] == 0
    assert set(shown[[0, 2, 3]]) == {33, 34}


def test_the_classes_take_turns_with_the_places_that_cannot_be_divided():
    shown = sum(np.bincount(LABELS[balanced(LABELS, seed=5, epoch=e)], minlength=4)
                for e in range(3))  # fmt: skip
    assert shown[[0, 2, 3]].tolist() == [100, 100, 100]


def test_all_images_of_a_class_are_shown_equally_often_within_one():
    shown = np.zeros(len(LABELS), int)
    for epoch in range(20):
        shown += np.bincount(balanced(LABELS, seed=1, epoch=epoch), minlength=len(LABELS))
        for label in (0, 2, 3):
            of_class = shown[label == LABELS]
            assert of_class.max() - of_class.min() <= 1
    assert shown.min() > 0


def test_batches_follow_the_order_from_any_position():
    pixels = np.arange(100, dtype=np.uint8)[:, None, None, None] + np.zeros((1, 8, 8, 3), np.uint8)
    batches = Batches(pixels, LABELS, batch_size=16, seed=2, shuffle=True, order="balanced",
                      drop_last=True)  # fmt: skip
    order = balanced(LABELS, seed=2, epoch=3)[:96]
    seen = [(images[:, 0, 0, 0] * 255).round().numpy().astype(int)
            for images, _ in batches.epoch(3)]  # fmt: skip
    assert np.concatenate(seen).tolist() == order.tolist()
    later = [labels.numpy() for _, labels in batches.epoch(3, start=4)]
    assert np.concatenate(later).tolist() == LABELS[order[64:]].tolist()


@pytest.mark.parametrize("key", [key for key in WEIGHINGS if key != "none"])
def test_the_mean_weight_of_the_training_images_is_one_and_rare_classes_weigh_more(key):
    found = weights(COUNTS, key)
    assert found[LABELS].mean() == pytest.approx(1)
    assert found[3] > found[2] > found[0] > 0
    assert found[1] == 0
    assert weights(np.array([5, 5]), key) == pytest.approx([1, 1])


def test_the_weights_of_classes_are_those_that_their_sources_give():
    assert weights(COUNTS, "none") is None
    assert weights(np.zeros(3, int), "balanced") is None
    # scikit-learn: n / (k n_c)
    assert weights(np.array([90, 10]), "balanced") == pytest.approx([100 / 180, 100 / 20])
    root = weights(np.array([900, 9]), "square_root")
    assert root[1] / root[0] == pytest.approx(10)
    cui = weights(np.array([5000, 50]), "effective_number")
    assert cui[1] / cui[0] == pytest.approx((1 - 0.999**5000) / (1 - 0.999**50))
