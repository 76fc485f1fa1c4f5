"""Decides at what size a run's images are decoded, and says why, before anything is decoded."""

import math
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cifar_core import data
from cifar_core.data import find
from cifar_core.data.dataset import SIZE, Dataset, Images
from cifar_core.data.decoding import details_of
from cifar_core.data.listing import describe
from cifar_core.data.sizing import USUAL, Sizing
from cifar_core.data.sizing.fits import CROP
from cifar_core.disk import space
from cifar_core.errors import DataError
from cifar_core.numbers import percent

if TYPE_CHECKING:
    from cifar_core.config import TrainConfig

SMALL = 40  # pixels of a shorter side up to which the usual size is chosen
TYPICAL = 0.25  # quantile of the shorter sides that counts as the pictures' own size
MUCH = 0.4  # of the area of half of the pictures: more than photographs of 3 to 2 lose
MULTIPLE = 16  # of pixels, where the pictures decide
PRETRAINED = 224  # pixels a side of the usual pretraining on ImageNet
MOST_FROM_SCRATCH = {True: 128, False: 224}  # whether it is on a CPU -> pixels a side
NO_FILES = ("synthetic", "cifar10")  # kinds of images that are 32 pixels a side by themselves
LIMIT_GIGABYTES = 100.0
LIMIT_VARIABLE = "CIFAR_IMAGES_GB"
UNREAD = "The images are not read yet; their size is chosen once they are"


@dataclass(frozen=True, kw_only=True)
class Decision:
    """The size of a run's images."""

    sizing: Sizing
    reason: str  # one sentence
    bytes_needed: int = 0  # on the disk; 0 if the images are decoded, or are not read yet
    is_plain: bool = False  # the pictures are about as small as the usual size, which was chosen
    problem: str = ""  # why they cannot be decoded at this size; "" if they can
    loss: str = ""  # a sentence on what the crop of wide and high pictures loses, if that is much


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """What the pictures of a set say about a good size."""

    count: int
    typical: int  # pixels on the shorter side, which three quarters of them reach
    lost: float = 0.0  # share of the area that half of them lose at least if their center is cut
    are_drawn: bool = False  # by the program, at any size


def decided(config: "TrainConfig", store: Path, device: str) -> Decision:
    """Return the size at which a run on a device, such as "cpu", has its images.

    Nothing is decoded, so that a page can ask. Raises DataError if there are no such images.
    """
    source = data.resolve(config.data, store)
    pictures = pictures_of(source, store)
    if pictures is None:
        side = config.side
        reason = f"{size_of(side)}, as set." if config.image_size else f"{UNREAD}."
        return Decision(sizing=Sizing(side=side, fit=config.fit, stored=side), reason=reason)
    loss = loss_words(config, pictures)
    side, reason = wanted(config, pictures, device)
    sizing = sizing_of(config, pictures, side)
    needed, room = bytes_of(sizing, pictures, source, store), room_on(store)
    if needed <= room:
        plain = sizing == USUAL and not config.image_size and pictures.typical <= SMALL
        return Decision(
            sizing=sizing, reason=reason, bytes_needed=needed, is_plain=plain, loss=loss
        )
    too_much = (
        f"{size_of(side)} would take {space_of(needed)} on the disk, and {space_of(room)} may "
        "be used"
    )
    if config.image_size:
        problem = (
            f"The images cannot be decoded: {too_much}. Choose a smaller image_size, free some "
            f"disk space, or set ${LIMIT_VARIABLE} to allow more."
        )
        return Decision(sizing=sizing, reason=reason, bytes_needed=needed, problem=problem)
    while side > SIZE and needed > room:
        side = multiple_below(side - 1, config)
        sizing = sizing_of(config, pictures, side)
        needed = bytes_of(sizing, pictures, source, store)
    reason = f"{size_of(side)}, because {too_much}."
    return Decision(sizing=sizing, reason=reason, bytes_needed=needed, loss=loss)


def pictures_of(source: str, store: Path) -> Pictures | None:
    """Return what is known of the pictures of a resolved source; None if they are not read yet."""
    about = describe(source, store, {})
    if about.kind in NO_FILES:
        return Pictures(
            count=about.train_images + about.test_images,
            typical=SIZE,
            are_drawn=about.kind == "synthetic",
        )
    images = find.kept(source, store)
    if images is None:
        return None
    found = details_of(store, source, images.fingerprint)
    sizes = np.full((1, 2), SIZE) if found is None else found.sizes
    shorter, longer = sizes.min(axis=1), sizes.max(axis=1)
    return Pictures(
        count=len(images.train) + len(images.test),
        typical=int(np.quantile(shorter, TYPICAL, method="lower")),
        lost=float(np.median(1 - shorter / longer)),
    )


def wanted(config: "TrainConfig", pictures: Pictures, device: str) -> tuple[int, str]:
    """Return how many pixels a side a run's images should have, and a sentence with the reason."""
    if side := config.image_size:
        is_larger = pictures.typical < side and not pictures.are_drawn
        enlarged = "; smaller pictures are enlarged" if is_larger else ""
        return side, f"{size_of(side)}, as set{enlarged}."
    most, why = most_for(config, is_on_cpu=device == "cpu")
    if SMALL < pictures.typical >= most:
        return most, f"{size_of(most)}, {why}."
    if SMALL < pictures.typical < (side := config.computes_on) and enlarges(config):
        return side, (
            f"{size_of(side)}, the size at which the network computes; smaller pictures are "
            "enlarged."
        )
    side = SIZE if pictures.typical <= SMALL else multiple_below(pictures.typical, config)
    return side, (
        f"{size_of(side)}, because a quarter of the pictures have at most {pictures.typical} "
        "pixels on their shorter side."
    )


def enlarges(config: "TrainConfig") -> bool:
    """Whether the network enlarges smaller images itself, so that they cost as much."""
    from cifar_core.models import MODELS

    return bool(MODELS[config.model].weights)


def most_for(config: "TrainConfig", *, is_on_cpu: bool) -> tuple[int, str]:
    """Return the most pixels a side that are chosen for a network, and why, after a comma."""

    if not enlarges(config):
        where = "a CPU" if is_on_cpu else "a GPU"
        return MOST_FROM_SCRATCH[is_on_cpu], (
            f"the largest size that is chosen automatically for training from scratch on {where}"
        )
    computed = config.computes_on
    if not is_on_cpu and computed < PRETRAINED:
        return PRETRAINED, "the size of the images on which the network was pretrained"
    why = "the size at which the network computes"
    if computed < PRETRAINED:
        times = (PRETRAINED / computed) ** 2
        why += (
            f"; {size_of(PRETRAINED)}, as in its pretraining, would cost about {times:.0f} times "
            "as much"
        )
    return computed, why


def loss_words(config: "TrainConfig", pictures: Pictures) -> str:
    """Say how much of wide and high pictures is cut off; empty if it is less than half of most."""
    if config.fit != CROP or pictures.lost < MUCH:
        return ""
    return (
        f"Half of the pictures lose {percent(pictures.lost, 0)} of their area or more, because "
        "their centers are cut out. 'Fit with borders' and 'Stretch' keep all of it."
    )


def multiple_below(side: int, config: "TrainConfig") -> int:
    """Return a side that suits the network's patches, at most `side` but at least 32 pixels."""
    from cifar_core.models import MODELS

    patch = MODELS[config.model].patch
    step = patch if patch > 1 else MULTIPLE
    return max(SIZE, side - side % step)


def sizing_of(config: "TrainConfig", pictures: Pictures, side: int) -> Sizing:
    """Return what is kept for images of a side: more, where the pictures have more to crop from."""
    more = round(config.crop_room * side)
    has_room = config.fit == CROP and side != SIZE and pictures.typical >= more
    return Sizing(side=side, fit=config.fit, stored=more if has_room else side)


def bytes_of(sizing: Sizing, pictures: Pictures, source: str, store: Path) -> int:
    """Return how many bytes decoding will write; 0 if the images are kept already."""
    if find.kept(source, store, sizing) is not None:
        return 0
    return pictures.count * sizing.stored**2 * 3


def room_on(store: Path) -> int:
    """Return how many bytes decoded images may take: $CIFAR_IMAGES_GB, or 100 GB, if free."""
    word = os.environ.get(LIMIT_VARIABLE, "")
    try:
        limit = float(word) if word else LIMIT_GIGABYTES
    except ValueError:
        limit = math.nan
    if math.isnan(limit):
        raise DataError(
            f"${LIMIT_VARIABLE} is '{word}', but it must be a number of gigabytes, such as 100."
        )
    return max(0, int(min(limit * 1e9, space.free_bytes(store) - space.TO_START)))


def size_of(side: int) -> str:
    """Return a size in words."""
    return f"{side} x {side} pixels"


def space_of(size: int) -> str:
    """Return a number of bytes in words."""
    if size < 1e9:
        return f"{max(1, round(size / 1e6))} MB"
    return f"{size / 1e9:,.2g} GB" if size < 1e10 else f"{size / 1e9:,.0f} GB"


def for_measuring(config: "TrainConfig", store: Path, device: str) -> "tuple[TrainConfig, Dataset]":
    """Return a run's settings with the size decided, and images on which to measure its steps.

    Images that are not decoded at that size are stood in for, since a measurement should neither
    take that long nor fill the disk.
    """
    source = data.resolve(config.data, store)
    images = data.load(source, store)
    sizing = decided(config, store, device).sizing
    if sizing != USUAL:
        images = find.kept(source, store, sizing) or stand_in(images, sizing)
    return replace(config, image_size=sizing.side), images


def stand_in(images: Dataset, sizing: Sizing) -> Dataset:
    """Return as many images with the same labels at another size: one picture, for all of them."""
    picture = np.random.default_rng(0).integers(
        0, 256, (1, sizing.stored, sizing.stored, 3), dtype=np.uint8
    )

    def part(of: Images) -> Images:
        wider = np.broadcast_to(picture, (len(of), *picture.shape[1:]))
        return replace(of, pixels=sizing.centers(wider), wider=wider if sizing.is_wider else None)

    return replace(
        images, train=part(images.train), test=part(images.test), train_masks=None, test_masks=None
    )
