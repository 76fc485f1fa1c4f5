import dataclasses

import numpy as np
import pytest
import torch
from augmentation_reference import apply

from cifar_core.data.augmentation.augment import (
    FLIP_MODES,
    MEAN_COLOR,
    PADDING_MODES,
    Augment,
    pad,
)
from cifar_core.data.augmentation.preview import augmented
from cifar_core.data.batches import Batches

RANDOM = np.random.default_rng(0)
PIXELS = RANDOM.integers(0, 256, (50, 32, 32, 3), dtype=np.uint8)
LABELS = np.arange(50)  # each image its own label, so that it can be recognized
BOTH = Augment(crop_padding=4, flip=True)
TURNS = Augment(flip=True, flip_mode="alternate")


def batches(**options):
    return Batches(PIXELS, LABELS, **{"batch_size": 16, "seed": 3, **options})


def in_turn(pixels):
    """Images [N, H, W, 3] uint8 as a network gets them."""
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255


def joined(epoch):
    images, labels = zip(*epoch, strict=True)
    return torch.cat(images), torch.cat(labels)


def test_without_options_the_images_come_as_they_are_in_their_order():
    images, labels = joined(batches().epoch())
    assert torch.equal(images, in_turn(PIXELS))
    assert labels.tolist() == LABELS.tolist()
    assert (images.dtype, labels.dtype) == (torch.float32, torch.int64)


@pytest.mark.parametrize("augment", [None, BOTH, Augment(color_jitter=0.4, cutout=8)])
@pytest.mark.parametrize("on_device", [True, False])
def test_a_batch_lies_in_memory_as_convolutions_like_it(augment, on_device):
    images, _ = next(batches(augment=augment, on_device=on_device).epoch())
    assert images.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("padding", [0, 1, 4, 8])
@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("cutout", [0, 1, 8, 24])
@pytest.mark.parametrize("flip_mode", FLIP_MODES)
@pytest.mark.parametrize("padding_mode", PADDING_MODES)
def test_the_device_gives_the_same_as_changing_one_image_after_the_other(
    padding, flip, cutout, flip_mode, padding_mode
):
    augment = Augment(
        crop_padding=padding,
        padding_mode=padding_mode,
        flip=flip,
        flip_mode=flip_mode,
        cutout=cutout,
    )
    for on_device in (True, False):
        images, _ = joined(batches(augment=augment, on_device=on_device).epoch(number=2))
        assert torch.equal(images, in_turn(apply(augment, PIXELS, seed=3, epoch=2)))


def test_all_shifts_occur_and_half_are_mirrored_and_the_border_is_black():
    ramp = np.arange(1, 33, dtype=np.uint8)
    image = np.broadcast_to(ramp[:, None, None] + ramp[None, :, None] * 4, (32, 32, 3))
    many = np.ascontiguousarray(np.broadcast_to(image, (2000, 32, 32, 3)))
    seen = augmented(many, BOTH, seed=0)
    mirrored = seen[:, 16, 10, 0].astype(int) > seen[:, 16, 20, 0]
    assert 0.45 < mirrored.mean() < 0.55
    draws = BOTH.draw(2000, seed=0, epoch=0)
    assert np.bincount(draws.rows).min() > 170
    assert np.bincount(draws.columns, minlength=9).min() > 170
    assert abs(np.corrcoef(draws.rows, draws.columns)[0, 1]) < 0.1
    lowest = seen[draws.rows == 8]
    assert not lowest[:, -4:].any()
    assert lowest[:, 4:-4, 4:-4].all()


def test_the_draws_of_earlier_versions_stay_so_that_their_runs_go_on():
    draws = BOTH.draw(8, seed=3, epoch=2)
    assert draws.rows.tolist() == [5, 7, 5, 3, 2, 8, 5, 6]
    assert draws.columns.tolist() == [4, 4, 0, 2, 5, 5, 3, 7]
    assert draws.flips.astype(int).tolist() == [0, 0, 0, 0, 1, 0, 0, 0]


@pytest.mark.parametrize(
    "more",
    [{"cutout": 8}, {"flip_mode": "alternate"}, {"padding_mode": "reflect"}, {"color_jitter": 0.4}],
)
def test_what_is_added_leaves_the_crops_as_they_were(more):
    added = dataclasses.replace(BOTH, **more).draw(50, seed=3, epoch=2)
    draws = BOTH.draw(50, seed=3, epoch=2)
    assert np.array_equal(added.rows, draws.rows)
    assert np.array_equal(added.columns, draws.columns)
    if "flip_mode" not in more:
        assert np.array_equal(added.flips, draws.flips)


def test_color_and_cutout_leave_each_other_as_they_were():
    color, cutout = Augment(color_jitter=0.4), Augment(cutout=8)
    both = Augment(color_jitter=0.4, cutout=8).draw(50, seed=3, epoch=2)
    assert np.array_equal(both.factors, color.draw(50, seed=3, epoch=2).factors)
    assert np.array_equal(both.kinds, color.draw(50, seed=3, epoch=2).kinds)
    assert np.array_equal(both.holes, cutout.draw(50, seed=3, epoch=2).holes)


def test_in_turn_each_image_is_mirrored_in_every_other_epoch_wherever_it_is_in_the_order():
    data = batches(augment=TURNS, shuffle=True)
    mirrored = []
    for number in range(4):
        images, labels = joined(data.epoch(number))
        plain = in_turn(PIXELS)[labels]
        seen = (images != plain).flatten(1).any(dim=1)
        assert torch.equal(images[seen], plain[seen].flip(3))
        mirrored.append(set(labels[seen].tolist()))
    assert mirrored[0] == mirrored[2] == set(LABELS) - mirrored[1]
    assert mirrored[1] == mirrored[3]
    assert 10 < len(mirrored[0]) < 40  # a random side first


def test_in_turn_another_seed_begins_with_other_sides():
    first, second = (TURNS.draw(50, seed=seed, epoch=0).flips.tolist() for seed in (0, 1))
    assert first != second


def test_a_reflected_border_repeats_the_image_without_its_edge():
    assert pad(PIXELS, 2, "reflect")[:, 2:-2, 0].tolist() == PIXELS[:, :, 2].tolist()
    assert not pad(PIXELS, 2, "black")[:, :, :2].any()


def test_cutout_blanks_one_whole_square_with_the_mean_color():
    white = np.full((200, 32, 32, 3), 255, np.uint8)
    seen = augmented(white, Augment(cutout=5), seed=0)
    hole = (seen != 255).any(axis=3)
    assert (hole.sum(axis=(1, 2)) == 25).all()
    assert (hole.any(axis=1).sum(axis=1) == 5).all()
    assert np.unique(seen[hole], axis=0).tolist() == [list(MEAN_COLOR)]


def test_every_epoch_shuffles_anew_and_has_every_image_once():
    first, second = (joined(batches(shuffle=True).epoch(n))[1].tolist() for n in (0, 1))
    assert first != second
    assert sorted(first) == sorted(second) == LABELS.tolist()


def test_another_seed_gives_another_order_and_other_crops():
    one, two = (batches(shuffle=True, augment=BOTH, seed=seed) for seed in (0, 1))
    assert not torch.equal(joined(one.epoch())[1], joined(two.epoch())[1])
    assert BOTH.draw(50, seed=0, epoch=0).rows.tolist() != (
        BOTH.draw(50, seed=1, epoch=0).rows.tolist()
    )


def test_augmentation_leaves_the_order_alone():
    plain, augmented = batches(shuffle=True), batches(shuffle=True, augment=BOTH)
    assert torch.equal(joined(plain.epoch(4))[1], joined(augmented.epoch(4))[1])


@pytest.mark.parametrize("start", [0, 1, 3])
def test_an_epoch_can_be_entered_at_any_batch(start):
    whole = list(batches(shuffle=True, augment=BOTH).epoch(5))
    rest = list(batches(shuffle=True, augment=BOTH).epoch(5, start=start))
    assert len(rest) == 4 - start
    for (images, labels), (wanted, wanted_labels) in zip(rest, whole[start:], strict=True):
        assert torch.equal(images, wanted)
        assert torch.equal(labels, wanted_labels)


def test_the_last_smaller_batch_can_be_dropped():
    assert (len(batches()), len(batches(drop_last=True))) == (4, 3)
    assert [len(labels) for _, labels in batches().epoch()] == [16, 16, 16, 2]
    assert [len(labels) for _, labels in batches(drop_last=True).epoch()] == [16, 16, 16]
    assert batches().images == 50


def test_images_may_come_from_a_read_only_file(tmp_path):
    np.save(tmp_path / "pixels.npy", PIXELS)
    pixels = np.load(tmp_path / "pixels.npy", mmap_mode="r")
    images, _ = joined(Batches(pixels, LABELS, batch_size=16).epoch())
    images.zero_()
    assert np.array_equal(np.load(tmp_path / "pixels.npy"), PIXELS)


@pytest.mark.parametrize("on_device", [True, False])
def test_chosen_images_come_in_the_given_order_and_all_of_them(on_device):
    order = np.array([41, 3, 17, 3, 0])
    data = Batches(PIXELS, LABELS, batch_size=2, drop_last=True, on_device=on_device)
    found = list(data.chosen(order))
    assert [len(labels) for _, labels in found] == [2, 2, 1]
    images, labels = joined(found)
    assert torch.equal(images, in_turn(PIXELS)[order])
    assert labels.tolist() == LABELS[order].tolist()


def test_a_batch_that_was_changed_does_not_change_the_images():
    data = batches()
    for images, labels in data.epoch():
        images.zero_()
        labels.zero_()
    assert torch.equal(joined(data.epoch())[0], in_turn(PIXELS))
