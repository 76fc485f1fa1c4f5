"""The effects against torchvision's kernels: for the same parameters the same picture."""

import math

import numpy as np
import pytest
import torch
from torch.nn.functional import interpolate
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as reference
from torchvision.transforms.v2.functional._geometry import _get_perspective_coeffs

from cifar_core.data.augmentation.augment import Augment
from cifar_core.data.augmentation.effects import fills, geometry, operations, policy
from cifar_core.data.augmentation.effects.blur import blurred
from cifar_core.data.augmentation.effects.colors import gray_of
from cifar_core.data.augmentation.effects.warp import affine, perspective, warp
from cifar_core.data.augmentation.policies import LEAVE, POLICIES, Round, mixable, random, wide

SIDE = 64
BILINEAR = {"interpolation": InterpolationMode.BILINEAR, "fill": None}
SMOOTH = torch.rand(3, 3, 9, 9, generator=torch.Generator().manual_seed(0)) * 255
PLANES = interpolate(SMOOTH * 0.6 + 40, size=(SIDE, SIDE), mode="bicubic").clamp(0, 255).byte()


def moved(planes, *, shear=(0.0, 0.0), translate=(0, 0), center=None):
    return reference.affine(
        planes, angle=0.0, translate=list(translate), scale=1.0, shear=list(shear), center=center,
        **BILINEAR,
    )  # fmt: skip


def slope(magnitude):
    return math.degrees(math.atan(magnitude))


THEIRS = {
    "shear_x": lambda x, m: moved(x, shear=(slope(m), 0.0), center=[0, 0]),
    "shear_y": lambda x, m: moved(x, shear=(0.0, slope(m)), center=[0, 0]),
    "translate_x": lambda x, m: moved(x, translate=(int(m), 0)),
    "translate_y": lambda x, m: moved(x, translate=(0, int(m))),
    "rotate": lambda x, m: reference.rotate(x, m, **BILINEAR),
    "brightness": lambda x, m: reference.adjust_brightness(x, 1 + m),
    "saturation": lambda x, m: reference.adjust_saturation(x, 1 + m),
    "contrast": lambda x, m: reference.adjust_contrast(x, 1 + m),
    "sharpness": lambda x, m: reference.adjust_sharpness(x, 1 + m),
    "posterize": lambda x, m: reference.posterize(x, int(m)),
    "solarize": lambda x, m: reference.solarize(x, m),
    "autocontrast": lambda x, m: reference.autocontrast(x),
    "equalize": lambda x, m: reference.equalize(x),
    "identity": lambda x, m: x,
}
MAGNITUDES = {
    "posterize": [8.0, 5.0, 0.0],
    "solarize": [255.0, 127.5, 0.0],
    "rotate": [-135.0, 13.0, 60.0],
    "translate_x": [-32.0, 7.9, 20.0],
    "translate_y": [-32.0, 7.9, 20.0],
}


def nearly(ours, theirs):
    """Whether levels differ by 1 at most, but for a few pixels at a border."""
    apart = (ours.int() - theirs.int()).abs()
    return bool((apart > 1).float().mean() < 1e-3)


def test_every_operation_of_every_policy_is_compared():
    assert set(THEIRS) == {*wide()} | {*random(SIDE)} | {*mixable(SIDE)}
    assert set(THEIRS) == {*operations.COLORS, *operations.GEOMETRY, "identity"}


@pytest.mark.parametrize("name", THEIRS)
def test_each_operation_gives_the_picture_of_torchvision(name):
    magnitudes = MAGNITUDES.get(name, [-0.9, 0.3, 0.99])
    turn = Round(names=(name,), chosen=np.zeros(3, int), magnitudes=np.array(magnitudes))
    seen = operations.applied(PLANES, turn)
    for ours, plane, magnitude in zip(seen, PLANES, magnitudes, strict=True):
        assert nearly(ours, THEIRS[name](plane, magnitude))
    assert name == "identity" or not torch.equal(seen, PLANES)


def test_a_flat_picture_stays_flat():
    flat = torch.full((2, 3, SIDE, SIDE), 90, dtype=torch.uint8)
    for name in ("autocontrast", "equalize", "sharpness", "contrast"):
        turn = Round(names=(name,), chosen=np.zeros(2, int), magnitudes=np.full(2, 0.5))
        assert torch.equal(operations.applied(flat, turn), flat)


def test_an_image_without_an_operation_stays_as_it_is():
    turn = Round(names=("rotate",), chosen=np.array([0, LEAVE, 0]), magnitudes=np.full(3, 30.0))
    seen = operations.applied(PLANES, turn)
    assert torch.equal(seen[1], PLANES[1])
    assert not torch.equal(seen[0], PLANES[0])


@pytest.mark.parametrize(("degrees", "scale", "shear"), [(20, 1.3, 0), (-70, 0.7, 25), (0, 1, -40)])
def test_rotation_zoom_and_shear_are_those_of_torchvision(degrees, scale, shear):
    theirs = reference.affine(
        PLANES, angle=degrees, translate=[0, 0], scale=scale, shear=[shear, 0.0], **BILINEAR
    )
    slant = -math.tan(math.radians(shear))
    assert nearly(warp(PLANES, affine(3, degrees=degrees, scale=scale, shear_x=slant)), theirs)


def test_a_perspective_is_that_of_torchvision():
    numbers = np.random.default_rng(0).random((3, 8))
    corners, places = geometry.corners_of(numbers, 0.6, SIDE)
    seen = warp(PLANES, perspective(corners, places))
    for ours, plane, ends in zip(seen, PLANES, places, strict=True):
        # torchvision's corners are whole pixels, from the top left
        start, end = (np.round(c + (SIDE - 1) / 2 + 0.5).tolist() for c in (corners, ends))
        assert start == [[0, 0], [SIDE - 1, 0], [SIDE - 1, SIDE - 1], [0, SIDE - 1]]
        coefficients = _get_perspective_coeffs(start, end)
        theirs = reference.perspective(plane, None, None, coefficients=coefficients, **BILINEAR)
        assert nearly(ours, theirs)


def test_two_moves_in_one_resampling_are_both():
    turned = affine(3, degrees=90.0)
    both = warp(PLANES, affine(3, right=10.0) @ turned)
    assert nearly(both, warp(warp(PLANES, turned), affine(3, right=10.0)))


@pytest.mark.parametrize("largest", [0.3, 2.0, 14.0])
def test_a_blur_is_that_of_torchvision(largest):
    images = PLANES.float() / 255
    sigmas = torch.tensor([0.05, 0.5, 1.0]) * largest
    size = 2 * math.ceil(3 * largest) + 1
    for ours, image, sigma in zip(blurred(images, sigmas, largest), images, sigmas, strict=True):
        theirs = reference.gaussian_blur(image, [size, size], [sigma.item()])
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5)


def test_a_mix_of_chains_is_that_of_torchvision():
    draws = Augment().draw(len(PLANES), seed=1, epoch=0, side=SIDE)
    augment = Augment(policy="aug_mix", policy_severity=10)
    plan = POLICIES["aug_mix"].plan(lambda k: draws.uniform(policy.POLICY, k), augment, SIDE)
    seen = policy.change(PLANES, augment, draws)
    for number, (ours, plane) in enumerate(zip(seen, PLANES, strict=True)):
        own, *weights = plan.weights[number]
        mixed = own * plane
        for weight, chain in zip(weights, plan.chains, strict=True):
            changed = plane
            for turn in chain:
                if (chosen := turn.chosen[number]) != LEAVE:
                    changed = THEIRS[turn.names[chosen]](changed, turn.magnitudes[number])
            mixed += weight * changed
        assert nearly(ours, mixed.byte())


def test_gray_is_that_of_torchvision():
    images = PLANES.float() / 255
    theirs = reference.rgb_to_grayscale(images, num_output_channels=1)
    torch.testing.assert_close(gray_of(images), theirs)


def test_an_erased_rectangle_is_that_of_torchvision():
    images = (PLANES.float() / 255).contiguous(memory_format=torch.channels_last)
    boxes, color = np.array([[3, 0, 40], [50, 0, 7], [5, 0, 24], [14, 0, 1]]), torch.rand(3)
    seen = images.clone()
    fills.erase(seen, boxes, color)
    for ours, image, box in zip(seen, images, boxes.T.tolist(), strict=True):
        assert torch.equal(ours, reference.erase(image, *box, color[:, None, None]))
    assert torch.equal(seen[1], images[1])  # an empty one
