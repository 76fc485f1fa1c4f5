"""What a person should know before quoting accuracies on images, as a note of a few sentences."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifar_core.data.dataset import CHUNK, SIZE, Dataset, Images, counts
from cifar_core.data.sizing import FITS, Sizing
from cifar_core.data.sources.cifar10 import CLASSES as CIFAR10
from cifar_core.numbers import counted


def note(
    dataset: Dataset, path: Path, found: Mapping[str, Any], sizing: Sizing, *, deep: int
) -> str:
    """Say where images come from and what was done to them; `deep` have 16 bits per channel."""
    kind = "folder" if path.is_dir() else "file"
    count = len(dataset.train) + len(dataset.test)
    notes = [f"{count:,} images from the {kind} {path.name}."]
    if left := found["unreadable"]:
        notes.append(f"{left:,} {'pictures' if left > 1 else 'picture'} could not be read and "
                     f"{'were' if left > 1 else 'was'} left out.")  # fmt: skip
    if lossy := found["lossy"]:
        share = "They" if lossy == count else f"{lossy:,} of them"
        # only images that could be taken for the original ones are compared with them
        alike = set(dataset.classes) == set(CIFAR10)
        than = ": accuracies are not comparable with those on the original CIFAR-10"
        notes.append(f"{share} were stored as JPEG, which loses detail{than if alike else ''}.")
    if 0 < (deepest := found["deepest"]) < 16:
        notes.append(
            f"{deep:,} store 16 bits per pixel and use at most {deepest}: their brightness is "
            "scaled to that."
        )
    if gray := sum(found["gray"].values()):
        share = "All are" if gray == count else f"{gray:,} are"
        notes.append(f"{share} gray: networks see them as three equal channels.")
    if scaled := found["scaled"]:
        size = f"{sizing.side} x {sizing.side}"
        notes.append(f"{scaled:,} were {FITS[sizing.fit].done} scaled to {size}.")
    return " ".join([*notes, *singles(dataset), *repeats(dataset.train, dataset.test)])


def singles(dataset: Dataset) -> list[str]:
    """Name the classes with one training image, of which none can be set aside for validation."""
    if dataset.train.kept_back is not None:
        return []
    alone = [
        name
        for name, number in zip(
            dataset.classes, counts(dataset.train.labels, dataset.classes), strict=True
        )
        if number == 1
    ]
    if not alone:
        return []
    named = ", ".join(alone[:3]) + (", \u2026" if len(alone) > 3 else "")
    return [
        f"{len(alone):,} {'classes have' if len(alone) > 1 else 'class has'} a single training "
        f"image ({named}), so none is left for validation."
    ]


def repeats(train: Images, test: Images) -> list[str]:
    """Say how many images occur under two labels, or both in train and test."""
    digests, others = digests_of(train), digests_of(test)
    labels = np.concatenate([train.labels, test.labels])
    _, which = np.unique(np.concatenate([digests, others]), return_inverse=True)
    lowest, highest = np.full(len(labels), np.iinfo(np.int64).max), np.full(len(labels), -1)
    np.minimum.at(lowest, which, labels)
    np.maximum.at(highest, which, labels)
    conflicting = int((lowest != highest)[which].sum())
    leaked = int(np.isin(others, digests).sum())
    notes = []
    if leaked:
        are = "is also a training image" if leaked == 1 else "are also training images"
        notes.append(f"{counted(leaked, 'test image')} {are}.")
    if conflicting:
        notes.append(f"{conflicting:,} images are in two classes.")
    return notes


def digests_of(images: Images) -> NDArray[np.bytes_]:
    """Return a checksum of 16 bytes of each image's pixels."""
    each = (image for some in from_file(images.pixels) for image in some)
    digests = (hashlib.blake2b(image, digest_size=16).digest() for image in each)
    return np.fromiter(digests, "S16", len(images))


def from_file(pixels: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    """Yield the images of a whole file a few at a time, each time reading them.

    Through the map of the file they would all stay in the memory of this process.
    """
    assert isinstance(pixels, np.memmap)
    assert pixels.filename
    image = int(np.prod(pixels.shape[1:]))  # bytes
    most = max(1, CHUNK * SIZE**2 * 3 // image)
    for start in range(0, len(pixels), most):
        count = min(most, len(pixels) - start) * image
        place = pixels.offset + start * image
        yield np.fromfile(pixels.filename, np.uint8, count, offset=place).reshape(
            -1, *pixels.shape[1:]
        )
