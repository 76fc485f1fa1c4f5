import numpy as np
import pytest
import torch

from cifar_core.data.augment import Augment
from cifar_core.data.batches import Batches

RANDOM = np.random.default_rng(0)
PIXELS = RANDOM.integers(0, 256, (50, 32, 32, 3), dtype=np.uint8)
LABELS = np.arange(50)  # each image its own label, so that it can be recognised
BOTH = Augment(crop_padding=4, flip=True)


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


@pytest.mark.parametrize("augment", [None, BOTH])
def test_a_batch_lies_in_memory_as_convolutions_like_it(augment):
    images, _ = next(batches(augment=augment).epoch())
    assert images.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("padding", [0, 1, 4, 8])
@pytest.mark.parametrize("flip", [False, True])
def test_the_strided_view_gives_the_same_as_cropping_one_by_one(padding, flip):
    augment = Augment(crop_padding=padding, flip=flip)
    images, _ = joined(batches(augment=augment).epoch(number=2))
    assert torch.equal(images, in_turn(augment.apply(PIXELS, seed=3, epoch=2)))


def test_all_shifts_occur_and_half_are_mirrored_and_the_border_is_black():
    ramp = np.arange(1, 33, dtype=np.uint8)
    image = np.broadcast_to(ramp[:, None, None] + ramp[None, :, None] * 4, (32, 32, 3))
    many = np.ascontiguousarray(np.broadcast_to(image, (2000, 32, 32, 3)))
    seen = BOTH.apply(many, seed=0, epoch=0)
    mirrored = seen[:, 16, 10, 0].astype(int) > seen[:, 16, 20, 0]
    assert 0.45 < mirrored.mean() < 0.55
    draws = BOTH.draw(2000, seed=0, epoch=0)
    assert np.bincount(draws.rows).min() > 170
    assert np.bincount(draws.columns, minlength=9).min() > 170
    assert abs(np.corrcoef(draws.rows, draws.columns)[0, 1]) < 0.1
    lowest = seen[draws.rows == 8]
    assert not lowest[:, -4:].any()
    assert lowest[:, 4:-4, 4:-4].all()


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


def test_a_batch_that_was_changed_does_not_change_the_images():
    data = batches()
    for images, labels in data.epoch():
        images.zero_()
        labels.zero_()
    assert torch.equal(joined(data.epoch())[0], in_turn(PIXELS))
