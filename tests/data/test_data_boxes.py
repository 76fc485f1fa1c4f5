"""The parts of pictures that random resized crops show: drawn as torchvision draws them."""

import numpy as np
import pytest
import torch
from torchvision.transforms import RandomResizedCrop

from cifar_core.data.augmentation.augment import Augment, appearances
from cifar_core.data.augmentation.boxes import NUMBERS, boxes_from, draw_boxes

COUNT = 4000
SURE = 1.95  # Kolmogorov and Smirnov's statistic that 999 of 1,000 fair pairs stay under


def theirs(side, least):
    torch.manual_seed(0)
    image = torch.zeros(3, side, side)
    params = [
        RandomResizedCrop.get_params(image, [least, 1.0], [3 / 4, 4 / 3]) for _ in range(COUNT)
    ]
    return np.array(params).T


def apart(ours, others):
    """The statistic of two samples of equal size: their distance, times the root of half of it."""
    everything = np.sort(np.concatenate([ours, others]))
    shares = [
        np.searchsorted(np.sort(x), everything, side="right") / len(x) for x in (ours, others)
    ]
    return abs(shares[0] - shares[1]).max() * (len(ours) / 2) ** 0.5


def figures(boxes):
    tops, lefts, heights, widths = boxes.astype(float)
    return {
        "top": tops, "left": lefts, "height": heights, "width": widths,
        "area": heights * widths, "shape": widths / heights,
        "right": lefts + widths, "bottom": tops + heights,
    }  # fmt: skip


def drawn(side, least, **more):
    given = {"seed": 0, "epoch": 0, **more}
    return draw_boxes(np.arange(COUNT), side=side, least=least, **given)


@pytest.mark.parametrize(("side", "least"), [(32, 0.08), (146, 0.35), (256, 0.08), (293, 0.9)])
def test_boxes_are_distributed_as_those_of_torchvision(side, least):
    ours, others = (figures(boxes) for boxes in (drawn(side, least), theirs(side, least)))
    assert {name: apart(ours[name], others[name]) for name in ours if
            apart(ours[name], others[name]) > SURE} == {}  # fmt: skip


def test_the_check_notices_another_range_of_areas():
    ours, others = (figures(drawn(256, least)) for least in (0.15, 0.08))
    assert apart(ours["area"], others["area"]) > SURE


def test_boxes_lie_in_the_picture_and_are_whole_at_a_share_of_one():
    for side in (16, 32, 255):
        tops, lefts, heights, widths = drawn(side, 0.01)
        assert min(tops.min(), lefts.min()) >= 0
        assert min(heights.min(), widths.min()) >= 1
        assert max((tops + heights).max(), (lefts + widths).max()) <= side
    whole = np.array([0, 0, 32, 32])[:, None]
    assert (drawn(32, 1.0) == whole).all(axis=0).mean() > 0.9  # what never fits, or fits exactly


def test_without_a_try_that_fits_the_whole_picture_is_shown():
    numbers = np.full((1, NUMBERS), 0.999999)  # all of the area, in the widest shape
    assert boxes_from(numbers, 100, 0.5).T.tolist() == [[0, 0, 100, 100]]


def test_a_box_depends_on_seed_epoch_and_image_but_not_on_the_others():
    everything = drawn(256, 0.08)
    some = np.array([7, 3999, 12])
    assert np.array_equal(
        draw_boxes(some, seed=0, epoch=0, side=256, least=0.08), everything[:, some]
    )
    for other in ({"seed": 1}, {"epoch": 1}):
        assert (drawn(256, 0.08, **other) != everything).any(axis=0).mean() > 0.99


def test_an_image_that_comes_twice_in_an_epoch_is_another_one_each_time():
    assert appearances(np.array([5, 2, 5, 5])).tolist() == [5, 2, 5 + (1 << 32), 5 + (2 << 32)]
    one, two = draw_boxes(np.array([5, 5 + (1 << 32)]), seed=0, epoch=0, side=99, least=0.1).T
    assert one.tolist() != two.tolist()


def test_random_resized_crops_replace_the_shift():
    assert Augment(crop_padding=4).padding(64) == 8
    assert Augment(crop_padding=4, random_resized_crop=0.5).padding(64) == 0
