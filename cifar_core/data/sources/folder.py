"""Reads train/<class>/* and test/<class>/* images from a folder or an archive."""

import functools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from cifar_core.data.cache import cached
from cifar_core.data.dataset import SIZE, Dataset, Images, fingerprint
from cifar_core.data.pictures.images import network_view, open_image
from cifar_core.data.sources.archive import REMEDY, ArchiveEntry, entries, refuse_damage, walk
from cifar_core.data.sources.cifar10 import CLASSES as CIFAR10
from cifar_core.data.sources.layout import SPLITS, ImageLocation, located
from cifar_core.disk.checks import MOST_CLASSES
from cifar_core.errors import DataError, ImageError
from cifar_core.registry import did_you_mean

DECODING = 2  # part of the cache's key: raise it when the same file would decode differently
MAX_FAULTS = 20  # unreadable images after which the rest are not tried
LEAST_TRAIN = 2  # images of each class: one for training, one for validation


@dataclass(kw_only=True)
class Collection:
    """The images read so far, in the order of reading."""

    locations: list[ImageLocation] = field(default_factory=list)
    pixels: bytearray = field(default_factory=bytearray)
    seen: set[ImageLocation] = field(default_factory=set)  # files and class folders, usable or not
    faults: list[str] = field(default_factory=list)
    scaled: int = 0  # images that were not of the network's size
    lossy: int = 0  # images that were stored as JPEG
    depths: dict[int, int] = field(default_factory=dict)  # index -> bits used of 16

    def order(self, split: str) -> list[int]:
        """Return the images of a split by class and file name, however they were packed."""
        chosen = [i for i, location in enumerate(self.locations) if location.split == split]
        return sorted(chosen, key=lambda i: (self.locations[i].label, self.locations[i].file))


def load(path: Path, store: Path) -> Dataset:
    """Open the images of a folder or archive, decoding them if they are new or have changed."""
    path = path.absolute()
    key = [DECODING, *identity(path)]
    return cached(store, title(path), key, functools.partial(read, path))


def title(path: Path) -> str:
    """Return the dataset's title: the file's name without its endings."""
    return path.name.removesuffix(".zip").split(".tar")[0].removesuffix(".tgz")


def identity(path: Path) -> list[Any]:
    """Return values that change with any change of a source, without reading any image."""
    if path.is_dir():
        with refuse_damage(path):
            files = ((file.path, file.stat()) for file in walk(path) if file.is_file())
            return [str(path), sorted((name, s.st_size, s.st_mtime_ns) for name, s in files)]
    if not path.exists():
        raise DataError(f"There is nothing at {path}. Check the path, or $CIFAR_DATA if it is set.")
    about = path.stat()
    return [str(path), about.st_size, about.st_mtime_ns]


def read(path: Path) -> Dataset:
    """Decode every image and check that they make a dataset."""
    collection = collect(path)
    refuse_faults(path, collection)
    same_depth(collection)
    classes = check_classes(path, collection)
    train, test = (assemble(collection, split, classes) for split in SPLITS)
    return Dataset(
        kind="folder",
        title=title(path),
        source=str(path),
        classes=classes,
        train=train,
        test=test,
        fingerprint=fingerprint(classes, (train, test)),
        note=note(path, collection, train, test),
    )


def collect(path: Path) -> Collection:
    """Decode the files in class folders; record those that cannot be decoded."""
    collection = Collection()
    for entry, location in located(path, entries(path)):
        refuse_repeat(path, collection, entry, location)
        collection.seen.add(location)
        if location.file:
            add(collection, entry, location)
        if len(collection.faults) >= MAX_FAULTS:
            break
    return collection


def same_depth(collection: Collection) -> None:
    """Darken 16-bit images that use fewer bits than another one, since all are of one scale."""
    deepest = max(collection.depths.values(), default=0)
    image = SIZE * SIZE * 3  # bytes
    for index, depth in collection.depths.items():
        part = slice(index * image, (index + 1) * image)
        pixels = np.frombuffer(bytes(collection.pixels[part]), np.uint8)
        collection.pixels[part] = (pixels >> (deepest - depth)).tobytes()


def refuse_repeat(
    path: Path, collection: Collection, entry: ArchiveEntry, location: ImageLocation
) -> None:
    """Raise DataError if a file comes twice, or if there is a second pair of train and test."""
    if location.file and location in collection.seen:
        raise DataError(f"{path} has {entry.name} twice. Pack the images again.")
    other = next(iter(collection.seen), location)
    if other.top != location.top:
        raise DataError(
            f"{path} has two sets of images, under '{other.top}' and '{location.top}'. {REMEDY}"
        )


def add(collection: Collection, entry: ArchiveEntry, location: ImageLocation) -> None:
    """Decode one image and add it to the collection."""
    data = entry.read()
    try:
        picture = open_image(data, entry.name)
    except ImageError as error:
        collection.faults.append(str(error))
        return
    if depth := picture.info["depth"]:
        collection.depths[len(collection.locations)] = depth
    collection.locations.append(location)
    collection.lossy += data.startswith(b"\xff\xd8")
    collection.scaled += picture.size != (SIZE, SIZE)
    collection.pixels += network_view(picture).tobytes()


def refuse_faults(path: Path, collection: Collection) -> None:
    """Raise DataError if any image could not be decoded."""
    if not collection.faults:
        return
    count = f"{len(collection.faults)}{' or more' if len(collection.faults) >= MAX_FAULTS else ''}"
    files = "image" if count == "1" else "images"
    raise DataError(
        f"{path} has {count} {files} that cannot be used; replace or remove them. "
        + " ".join(collection.faults[:3])
    )


def check_classes(path: Path, collection: Collection) -> tuple[str, ...]:
    """Return the class names in alphabetical order, the same in train and test."""
    train, test = (
        {seen.label for seen in collection.seen if seen.split == wanted} for wanted in SPLITS
    )
    for split, labels in zip(SPLITS, (train, test), strict=True):
        if not labels:
            raise DataError(f"{path} has no {split}/<class>/ folder with images. {REMEDY}")
    for label in sorted(test - train):
        raise DataError(
            f"{path} has test images of a class '{label}', but no training images of it. "
            f"{did_you_mean(label, train)}Rename test/{label} or add train/{label}."
        )
    for label in sorted(train - test):
        raise DataError(
            f"{path} has training images of a class '{label}', but no test images of it. "
            f"{did_you_mean(label, test)}Add some to test/{label} or remove train/{label}."
        )
    if len(train) > MOST_CLASSES:
        raise DataError(
            f"{path} has {len(train):,} classes, but at most {MOST_CLASSES:,} can be used. "
            "Remove some from train and test."
        )
    if len(train) < 2:
        raise DataError(f"{path} has only the class '{min(train)}', but at least 2 are needed.")
    check_counts(path, collection)
    return tuple(sorted(train))


def check_counts(path: Path, collection: Collection) -> None:
    """Raise DataError if a class has too few images for training or testing."""
    have = dict.fromkeys(sorted({(seen.split, seen.label) for seen in collection.seen}), 0)
    for location in collection.locations:
        have[location.split, location.label] += 1
    for (split, label), count in have.items():
        least = LEAST_TRAIN if split == "train" else 1
        if count < least:
            raise DataError(
                f"{path} has {count} images in {split}/{label}, but at least {least} are needed. "
                "Add some, or remove the class from train and test."
            )


def assemble(collection: Collection, split: str, classes: tuple[str, ...]) -> Images:
    """Return the images of a split, in order."""
    order = collection.order(split)
    pixels = np.frombuffer(collection.pixels, np.uint8).reshape(-1, SIZE, SIZE, 3)[order]
    index = {label: number for number, label in enumerate(classes)}
    labels = [index[collection.locations[i].label] for i in order]
    return Images(pixels=pixels, labels=np.array(labels, np.int64))


def note(path: Path, collection: Collection, train: Images, test: Images) -> str:
    """Say what a person should know before quoting accuracies on these images."""
    kind = "folder" if path.is_dir() else "archive"
    count, lossy, scaled = len(collection.locations), collection.lossy, collection.scaled
    notes = [f"{count:,} image files from the {kind} {path.name}."]
    if lossy:
        share = "They" if lossy == count else f"{lossy:,} of them"
        # only images that could be taken for the original ones are compared with them
        alike = {seen.label for seen in collection.seen} == set(CIFAR10)
        than = ": accuracies are not comparable with those on the original CIFAR-10"
        notes.append(f"{share} were stored as JPEG, which loses detail{than if alike else ''}.")
    if 0 < (deepest := max(collection.depths.values(), default=0)) < 16:
        notes.append(
            f"{len(collection.depths):,} store 16 bits per pixel and use at most {deepest}: "
            "their brightness is scaled to that."
        )
    if scaled:
        notes.append(f"{scaled:,} were cropped to a square and scaled to {SIZE} x {SIZE}.")
    return " ".join(notes + repeats(train, test))


def repeats(train: Images, test: Images) -> list[str]:
    """Say how many images occur under two labels, or both in train and test."""
    labels: dict[bytes, int] = {}
    conflicting = 0
    for image, label in zip(train.pixels, train.labels.tolist(), strict=True):
        conflicting += labels.setdefault(image.tobytes(), label) != label
    leaked = sum(image.tobytes() in labels for image in test.pixels)
    notes = []
    if conflicting:
        notes.append(f"{conflicting:,} training images also occur under another class.")
    if leaked:
        notes.append(f"{leaked:,} test images are also training images.")
    return notes
