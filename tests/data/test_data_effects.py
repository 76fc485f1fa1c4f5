"""The augmentation against torchvision's: the same pictures for the same draws, and as likely."""

import itertools

import numpy as np
import pytest
import torch
from augmentation_reference import apply
from distributions import SURE, differ, distance, uneven
from torchvision import transforms
from torchvision.transforms.v2 import functional as reference

from cifar_core.data.augmentation.augment import MEAN_COLOR, Augment
from cifar_core.data.augmentation.effects.colors import jitter
from cifar_core.data.augmentation.effects.fills import cut_out
from cifar_core.data.batches import Batches

PIXELS = np.random.default_rng(0).integers(0, 256, (40, 32, 32, 3), dtype=np.uint8)
IMAGES = torch.from_numpy(PIXELS).permute(0, 3, 1, 2).float() / 255
ADJUST = [reference.adjust_brightness, reference.adjust_contrast, reference.adjust_saturation]
ALL = Augment(crop_padding=4, flip=True, color_jitter=0.4, cutout=8)
ORDERS = list(itertools.permutations(range(3)))
DRAWS = 30_000


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_given_the_factors_colors_change_as_in_torchvision(order):
    factors = torch.from_numpy(np.random.default_rng(1).uniform(0, 2, (3, 40)).astype(np.float32))
    seen = IMAGES.clone()
    jitter(seen, torch.tensor(order)[:, None].expand(3, 40), factors)
    for number, image in enumerate(IMAGES):
        for kind, factor in zip(order, factors[:, number], strict=True):
            image = ADJUST[kind](image, factor.item())
        torch.testing.assert_close(seen[number], image, rtol=0, atol=1e-5)


def test_factors_of_one_leave_the_colors_alone():
    seen = IMAGES.clone()
    jitter(seen, torch.arange(3)[:, None].expand(3, 40), torch.ones(3, 40))
    assert torch.equal(seen, IMAGES)


@pytest.mark.parametrize("side", [1, 7, 32])
def test_given_the_place_the_square_is_what_torchvision_erases(side):
    holes = torch.from_numpy(np.random.default_rng(2).integers(0, 33 - side, (2, 40)))
    filling = torch.tensor([0.1, 0.2, 0.3])
    seen = IMAGES.clone(memory_format=torch.channels_last)
    cut_out(seen, holes, side, filling)
    for number, image in enumerate(IMAGES):
        top, left = holes[:, number].tolist()
        wanted = reference.erase(image, top, left, side, side, filling[:, None, None])
        assert torch.equal(seen[number], wanted)


@pytest.mark.parametrize("on_device", [True, False])
def test_the_device_gives_what_one_image_after_the_other_gives(on_device):
    batches = Batches(
        PIXELS, np.arange(40), batch_size=16, augment=ALL, seed=3, on_device=on_device
    )
    seen = torch.cat([images for images, _ in batches.epoch(2)]).permute(0, 2, 3, 1) * 255
    wanted = apply(ALL, PIXELS, seed=3, epoch=2)
    assert abs(seen.numpy() - wanted).max() < 0.501  # it is rounded to whole levels


def test_images_on_the_device_and_beside_it_give_the_same_batches_bit_for_bit():
    options = {"batch_size": 16, "augment": ALL, "seed": 3, "shuffle": True}
    device, host = (
        Batches(PIXELS, np.arange(40), on_device=there, **options).epoch(2)
        for there in (True, False)
    )
    for (images, labels), (others, other_labels) in zip(device, host, strict=True):
        assert torch.equal(images, others)
        assert torch.equal(labels, other_labels)


def test_crops_and_sides_are_uniform_and_independent():
    draws = Augment(crop_padding=2, flip=True).draw(DRAWS, seed=0, epoch=0)
    assert not uneven((draws.rows * 5 + draws.columns) * 2 + draws.flips, 50)


def test_an_epochs_draws_say_nothing_about_the_next():
    one, two = (ALL.draw(DRAWS, seed=0, epoch=epoch) for epoch in (0, 1))
    assert not uneven(one.rows * 9 + two.rows, 81)
    assert not uneven(one.flips * 2 + two.flips, 4)
    assert not uneven(one.holes[0] * 25 + two.holes[0], 625)
    assert abs(np.corrcoef(one.factors[0], two.factors[0])[0, 1]) < SURE / DRAWS**0.5


def test_squares_are_uniform_and_independent_of_crops():
    draws = Augment(crop_padding=1, cutout=28).draw(DRAWS, seed=0, epoch=0)
    assert not uneven((draws.holes[0] * 5 + draws.holes[1]) * 3 + draws.rows, 75)


def test_factors_are_uniform_and_orders_are_equally_likely():
    draws = Augment(color_jitter=0.4).draw(DRAWS, seed=0, epoch=0)
    for factors in draws.factors:
        assert distance(factors, 0.6, 1.4) < 2 / DRAWS**0.5
    assert abs(np.corrcoef(draws.factors) - np.eye(3)).max() < SURE / DRAWS**0.5
    assert not uneven(np.array([ORDERS.index(tuple(kinds)) for kinds in draws.kinds.T]), 6)


def test_the_draws_are_distributed_as_those_of_torchvision():
    torch.manual_seed(0)
    count, image = 4000, torch.zeros(3, 36, 36)
    draws = Augment(crop_padding=2, color_jitter=0.4, cutout=28).draw(count, seed=0, epoch=0)
    crops = [transforms.RandomCrop.get_params(image, (32, 32))[:2] for _ in range(count)]
    assert not differ(draws.rows * 5 + draws.columns, np.array(crops) @ [5, 1])
    share = (28 / 32) ** 2
    erase = transforms.RandomErasing.get_params
    holes = [erase(image[:, :32, :32], (share, share), (1, 1), [0]) for _ in range(count)]
    assert {hole[2:4] for hole in holes} == {(28, 28)}
    assert not differ(
        draws.holes[0] * 5 + draws.holes[1], np.array([h[:2] for h in holes]) @ [5, 1]
    )
    change = transforms.ColorJitter(0.4, 0.4, 0.4)
    params = [
        change.get_params(change.brightness, change.contrast, change.saturation, None)
        for _ in range(count)
    ]
    orders = [[kind for kind in order.tolist() if kind < 3] for order, *_ in params]
    assert not differ(draws.kinds.T @ [9, 3, 1], np.array(orders) @ [9, 3, 1])
    tenths = [np.array([f for p in params for f in p[1:4]]), draws.factors.ravel()]
    assert not differ(*[(20 * (x - 0.6)).astype(int) for x in tenths])


def test_the_checks_of_distributions_notice_a_crop_that_is_never_drawn():
    random = np.random.default_rng(0)
    fair, unfair = random.integers(0, 50, DRAWS), random.integers(0, 49, DRAWS)
    assert not uneven(fair, 50)
    assert uneven(unfair, 50)
    assert differ(unfair, fair)
    assert distance(random.uniform(0.6, 1.35, DRAWS), 0.6, 1.4) > 2 / DRAWS**0.5


def test_each_image_of_a_batch_changes_in_its_own_way():
    pixels, augment = np.repeat(PIXELS[:1], 8, axis=0), Augment(color_jitter=0.4)
    images, _ = next(Batches(pixels, np.arange(8), batch_size=8, augment=augment).epoch())
    assert len(images.flatten(1).unique(dim=0)) == 8


def test_cutout_is_filled_with_the_mean_color_whatever_happens_to_the_others():
    augment = Augment(color_jitter=1.0, cutout=8)
    images, _ = next(Batches(PIXELS, np.arange(40), batch_size=40, augment=augment).epoch())
    filled = (images == torch.tensor(MEAN_COLOR)[:, None, None] / 255).all(dim=1)
    assert (filled.sum(dim=(1, 2)) >= 64).all()
