"""What is true of every effect, through their registry."""

from dataclasses import fields

import numpy as np
import pytest
import torch
from augmentations import each_augmentation, name_of

from cifar_core.data.augmentation.augment import Augment, is_augmented
from cifar_core.data.augmentation.effects import EFFECTS, blur, colors, fills, geometry, policy
from cifar_core.data.augmentation.preview import augmented
from cifar_core.data.batches import Batches

COUNT, SIDE = 24, 40
PIXELS = np.random.default_rng(0).integers(0, 256, (COUNT, SIDE, SIDE, 3), dtype=np.uint8)
OF_CROPS = {"crop_padding", "padding_mode", "random_resized_crop", "flip", "flip_mode"}
OF_POLICIES = {"policy_operations", "policy_magnitude", "policy_severity"}
WAYS = [way for way in each_augmentation() if Augment(**way) != Augment()]
CHANGING = [way for way in WAYS if any(e.is_on(Augment(**way)) for e in EFFECTS.values())]
FIXED = ("color_jitter", "cutout")  # drawn by positions, as ever, and so not by images


def batches(way, *, pixels=PIXELS, **options):
    return Batches(
        pixels, np.arange(len(pixels)), augment=Augment(**way), seed=3,
        **{"batch_size": 7, "shuffle": True, **options},
    )  # fmt: skip


def by_label(epoch):
    """The images of an epoch in the order of the set, whatever the order in which they came."""
    images, labels = (torch.cat(parts) for parts in zip(*epoch, strict=True))
    return images[labels.argsort()]


def test_every_setting_belongs_to_an_effect():
    of_effects = [name for effect in EFFECTS.values() for name in effect.uses]
    assert len(of_effects) == len({*of_effects})
    names = {f.name for f in fields(Augment)}
    assert names == {*of_effects} | OF_CROPS | OF_POLICIES


def test_every_effect_draws_from_a_stream_of_its_own():
    purposes = [
        geometry.GEOMETRY, policy.POLICY, colors.GRAYSCALE, blur.BLUR, fills.ERASING,
    ]  # fmt: skip
    assert len(purposes) == len({*purposes})


@pytest.mark.parametrize("way", CHANGING, ids=name_of)
def test_images_change_and_differently_in_each_epoch(way):
    one, again, other = (by_label(batches(way).epoch(number)) for number in (1, 1, 2))
    plain = torch.from_numpy(PIXELS).permute(0, 3, 1, 2) / 255
    assert torch.equal(one, again)
    assert not torch.equal(one, plain)
    assert not torch.equal(one, other) or way == {"grayscale": 1.0}
    assert one.min() >= 0
    assert one.max() <= 1 + 1e-6
    assert is_augmented(way)


@pytest.mark.parametrize("way", [way for way in CHANGING if not {*way} & {*FIXED}], ids=name_of)
def test_what_becomes_of_an_image_depends_on_no_other_and_not_on_its_place(way):
    one = by_label(batches(way).epoch(1))
    assert torch.equal(by_label(batches(way, batch_size=COUNT, shuffle=False).epoch(1)), one)
    assert torch.equal(by_label(batches(way, batch_size=1).epoch(1)), one)
    others = PIXELS[::-1].copy()
    others[5] = PIXELS[5]
    assert torch.equal(by_label(batches(way, pixels=others).epoch(1))[5], one[5])


@pytest.mark.parametrize("way", CHANGING, ids=name_of)
def test_a_batch_lies_in_memory_as_convolutions_like_it(way):
    images, _ = next(batches(way).epoch())
    assert images.is_contiguous(memory_format=torch.channels_last)
    assert (images.dtype, images.shape) == (torch.float32, (7, 3, SIDE, SIDE))


@pytest.mark.parametrize("way", CHANGING, ids=name_of)
def test_the_images_of_the_set_stay_as_they_are(way):
    pixels = PIXELS.copy()
    list(batches(way, pixels=pixels).epoch())
    assert np.array_equal(pixels, PIXELS)


def test_effects_change_nothing_of_each_other():
    """The pixels that erasing leaves are those of the policy alone."""
    alone = by_label(batches({"policy": "trivial_augment"}).epoch(1))
    both = by_label(batches({"policy": "trivial_augment", "erasing": 1.0}).epoch(1))
    same = (both == alone).all(dim=1).float().mean(dim=(1, 2))
    assert (same < 1).all()
    assert (same > 0.6).all()


def test_the_preview_shows_the_pixels_of_training():
    way = {"crop_padding": 4, "flip": True, "policy": "trivial_augment", "blur": 0.5}
    images = by_label(batches(way, shuffle=False).epoch(0)).permute(0, 2, 3, 1)
    shown = augmented(PIXELS, Augment(**way), seed=3)
    assert abs(shown - images.numpy() * 255).max() <= 0.5 + 1e-3
