"""What the effects draw against torchvision: the same magnitudes, and each as likely."""

import numpy as np
import pytest
import torch
from distributions import differ, distance, uneven
from torchvision.transforms import v2

from cifar_core.data.augmentation.augment import MEAN_COLOR, Augment, appearances
from cifar_core.data.augmentation.effects import fills, geometry
from cifar_core.data.augmentation.effects.blur import widths
from cifar_core.data.augmentation.effects.policy import POLICY
from cifar_core.data.augmentation.policies import (
    LEAVE,
    POLICIES,
    SEVERITIES,
    magnitudes_of,
    mixable,
    random,
    wide,
)
from cifar_core.data.augmentation.preview import augmented

DRAWS, SIDE = 20_000, 96
NAMES = {  # torchvision's names of operations
    "Identity": "identity", "ShearX": "shear_x", "ShearY": "shear_y", "TranslateX": "translate_x",
    "TranslateY": "translate_y", "Rotate": "rotate", "Brightness": "brightness",
    "Color": "saturation", "Contrast": "contrast", "Sharpness": "sharpness",
    "Posterize": "posterize", "Solarize": "solarize", "AutoContrast": "autocontrast",
    "Equalize": "equalize",
}  # fmt: skip


def draws_of(count=DRAWS, *, seed=0, epoch=0):
    return Augment().draw(count, seed=seed, epoch=epoch, side=SIDE)


def plan_of(policy, count=DRAWS, **settings):
    draws, augment = draws_of(count), Augment(policy=policy, **settings)
    return POLICIES[policy].plan(lambda k: draws.uniform(POLICY, k), augment, SIDE)


@pytest.mark.parametrize(
    ("ours", "theirs", "bins"),
    [
        (wide(), v2.TrivialAugmentWide, 31),
        (random(SIDE), v2.RandAugment, 31),
        (mixable(SIDE), v2.AugMix, SEVERITIES),
    ],
    ids=["trivial", "rand", "mix"],
)
def test_each_space_of_magnitudes_is_that_of_torchvision(ours, theirs, bins):
    space = theirs._AUGMENTATION_SPACE
    assert sorted(ours) == sorted(NAMES[name] for name in space)
    found = dict(zip(ours, magnitudes_of(ours, bins), strict=True))
    for name, (magnitudes, signed) in space.items():
        wanted = magnitudes(bins, SIDE, SIDE)
        wanted = torch.zeros(bins) if wanted is None else wanted
        largest = 255 if name == "Solarize" else 1
        assert np.allclose(found[NAMES[name]], largest * wanted.numpy(), atol=1e-4)
        assert ours[NAMES[name]].signed == signed


def test_trivial_augment_draws_each_operation_magnitude_and_sign_equally_often():
    plan, operations = plan_of("trivial_augment"), wide()
    ((turn,),) = plan.chains
    assert (plan.weights, turn.names) == (None, tuple(operations))
    assert not uneven(turn.chosen, len(operations))
    table = magnitudes_of(operations, 31)
    rotations = turn.magnitudes[turn.chosen == turn.names.index("rotate")]
    steps = np.abs(np.abs(rotations)[:, None] - table[turn.names.index("rotate")]).argmin(1)
    assert not uneven(steps, 31)
    assert not uneven((rotations[steps > 0] > 0).astype(int), 2)
    solarized = turn.magnitudes[turn.chosen == turn.names.index("solarize")]
    assert solarized.min() >= 0


def test_rand_augment_draws_independent_operations_of_one_magnitude():
    plan = plan_of("rand_augment", policy_operations=2, policy_magnitude=9)
    ((first, second),) = plan.chains
    assert not uneven(first.chosen * 14 + second.chosen, 14 * 14)
    rotations = second.magnitudes[second.chosen == second.names.index("rotate")]
    assert np.unique(rotations).tolist() == [-9.0, 9.0]  # of 30 degrees in 31 steps
    assert len(plan_of("rand_augment", policy_operations=4).chains[0]) == 4


def test_aug_mix_draws_depths_severities_and_weights_as_torchvision():
    plan = plan_of("aug_mix", policy_severity=3)
    depths = [sum(turn.chosen != LEAVE for turn in chain) for chain in plan.chains]
    assert not uneven(np.array([9, 3, 1]) @ (np.array(depths) - 1), 27)
    sheared = plan.chains[0][0]
    found = np.unique(np.abs(sheared.magnitudes[sheared.chosen == 0]))
    assert np.allclose(found, [0, 0.3 / 9, 0.6 / 9])
    assert np.allclose(plan.weights.sum(axis=1), 1)
    assert distance(plan.weights[:, 0], 0, 1) < 2 / DRAWS**0.5
    # of three weights that are uniform over all that sum to 1, each is below x as often as
    # 1 - (1 - x)^2
    parts = plan.weights[:, 1:] / plan.weights[:, 1:].sum(axis=1, keepdims=True)
    for part in parts.T:
        assert distance(1 - (1 - part) ** 2, 0, 1) < 2 / DRAWS**0.5


def test_rotations_zooms_and_shears_are_even_to_both_sides():
    found = geometry.drawn(Augment(rotation=30.0), draws_of(), SIDE)
    angles = np.rad2deg(np.arctan2(found[:, 1, 0], found[:, 0, 0]))
    assert distance(angles, -30, 30) < 2 / DRAWS**0.5
    found = geometry.drawn(Augment(zoom=0.2), draws_of(), SIDE)
    assert distance(found[:, 0, 0], 0.8, 1.2) < 2 / DRAWS**0.5
    assert np.array_equal(found[:, 0, 0], found[:, 1, 1])
    found = geometry.drawn(Augment(shear=20.0), draws_of(), SIDE)
    assert distance(np.rad2deg(np.arctan(-found[:, 0, 1])), -20, 20) < 2 / DRAWS**0.5


def test_half_of_the_images_are_seen_from_aside_and_corners_are_as_in_torchvision():
    found = geometry.drawn(Augment(perspective=0.5), draws_of(2000), SIDE)
    assert not uneven((found != np.eye(3)).any(axis=(1, 2)).astype(int), 2)
    corners, places = geometry.corners_of(np.random.default_rng(0).random((DRAWS, 8)), 0.5, SIDE)
    inward = np.abs(places - corners)
    for axis in (0, 1):
        for corner in range(4):
            assert not uneven(inward[:, corner, axis].astype(int), 25)  # 0 to 24 of 48 pixels
    assert (np.abs(places + 0.5) <= (SIDE - 1) / 2).all()


@pytest.mark.parametrize("side", [16, 17, 32, 33])
def test_the_strongest_perspective_never_has_three_corners_on_a_line(side):
    extremes = np.stack(np.meshgrid(*[[0.0, 0.999]] * 8), axis=-1).reshape(-1, 8)
    _, places = geometry.corners_of(extremes, 0.6, side)
    edges = np.roll(places, -1, axis=1) - places
    following = np.roll(edges, -1, axis=1)
    turns = edges[..., 0] * following[..., 1] - edges[..., 1] * following[..., 0]
    assert (turns > 0).all()


def test_rectangles_are_drawn_as_by_torchvision():
    torch.manual_seed(0)
    count = 4000
    boxes = fills.rectangles(draws_of(count), 1.0, SIDE)
    theirs = v2.RandomErasing(p=1.0, value=0.0)
    params = [theirs.make_params([torch.zeros(3, SIDE, SIDE)]) for _ in range(count)]
    for ours, name in zip(boxes, ("i", "j", "h", "w"), strict=True):
        assert not differ(ours // 6, np.array([p[name] for p in params]) // 6)
    top, left, height, width = boxes
    assert (height.min(), width.min()) > (0, 0)
    assert ((top + height <= SIDE) & (left + width <= SIDE)).all()


def test_the_share_of_erased_and_gray_images_is_what_was_set():
    boxes = fills.rectangles(draws_of(), 0.25, 32)
    assert not uneven(np.where(boxes[2] > 0, 0, 1 + np.arange(DRAWS) % 3), 4)
    pixels = np.random.default_rng(0).integers(0, 256, (2000, 4, 4, 3), dtype=np.uint8)
    seen = augmented(pixels, Augment(grayscale=0.5), seed=0)
    gray = (seen == seen[..., :1]).all(axis=(1, 2, 3))
    assert not uneven(gray.astype(int), 2)


def test_widths_of_the_blur_are_even_between_those_of_torchvision():
    smallest, largest = v2.GaussianBlur(kernel_size=13).sigma
    assert distance(widths(draws_of(), largest), smallest, largest) < 2 / DRAWS**0.5


def test_effects_draw_independently():
    draws, other = draws_of(), draws_of(epoch=1)
    for purpose in (geometry.GEOMETRY, POLICY, fills.ERASING):
        cells = (10 * draws.uniform(purpose, 1)[:, 0]).astype(int)
        for numbers in (draws.uniform(purpose + 1, 1), other.uniform(purpose, 1)):
            assert not uneven(10 * cells + (10 * numbers[:, 0]).astype(int), 100)


def test_an_image_that_comes_again_in_an_epoch_is_drawn_anew():
    order = np.array([5, 2, 5, 5, 2, 9])
    numbers = appearances(order)
    assert (numbers & 0xFFFFFFFF).tolist() == order.tolist()
    assert (numbers >> 32).tolist() == [0, 0, 1, 2, 1, 0]
    draws = Augment().draw(6, seed=0, epoch=0, order=order)
    assert len(np.unique(draws.uniform(POLICY, 1))) == 6


def test_pixels_mean_those_of_an_image_of_32():
    white = np.full((50, 64, 64, 3), 255, np.uint8)
    seen = augmented(white, Augment(cutout=8), seed=0)
    assert ((seen == MEAN_COLOR).all(axis=3).sum(axis=(1, 2)) == 16 * 16).all()
