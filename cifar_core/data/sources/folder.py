"""Reads train/<class>/* and test/<class>/* images from a folder or an archive."""

import functools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from cifar_core.data.cache import cached
from cifar_core.data.dataset import SIZE, Dataset, Images, fingerprint
from cifar_core.data.images import network_view, open_image
from cifar_core.data.sources.archive import REMEDY, ArchiveEntry, entries, walk
from cifar_core.data.sources.layout import SPLITS, ImageLocation, placed
from cifar_core.errors import DataError, ImageError
from cifar_core.registry import did_you_mean

MAX_FAULTS = 20  # unreadable images after which the rest is not tried
LEAST_TRAIN = 2  # images of each class: one to learn from, one to validate with


@dataclass(kw_only=True)
class Collection:
    """The images found so far, in the order of finding."""

    places: list[ImageLocation] = field(default_factory=list)
    pixels: bytearray = field(default_factory=bytearray)
    seen: set[ImageLocation] = field(default_factory=set)  # files and class folders, usable or not
    faults: list[str] = field(default_factory=list)
    scaled: int = 0  # images that were not of the network's size
    lossy: int = 0  # images that were stored as JPEG

    def order(self, split: str) -> list[int]:
        """Return the images of a split by class and file name, however they were packed."""
        chosen = [i for i, place in enumerate(self.places) if place.split == split]
        return sorted(chosen, key=lambda i: (self.places[i].label, self.places[i].file))


def load(path: Path, store: Path) -> Dataset:
    """Open the images of a folder or archive, decoding them if they are new or have changed."""
    path = path.absolute()
    return cached(store, title(path), identity(path), functools.partial(read, path))


def title(path: Path) -> str:
    """Return what to call the dataset: the file's name without its endings."""
    return path.name.removesuffix(".zip").split(".tar")[0].removesuffix(".tgz")


def identity(path: Path) -> list[Any]:
    """Describe a source so that any change shows, without reading any image."""
    if path.is_dir():
        files = ((file.path, file.stat()) for file in walk(path) if file.is_file())
        return [str(path), sorted((name, s.st_size, s.st_mtime_ns) for name, s in files)]
    if not path.exists():
        raise DataError(f"There is nothing at {path}. Check the path, or $CIFAR_DATA if it is set.")
    about = path.stat()
    return [str(path), about.st_size, about.st_mtime_ns]


def read(path: Path) -> Dataset:
    """Decode every image and check that they make a dataset."""
    found = collect(path)
    refuse_faults(path, found)
    classes = check_classes(path, found)
    train, test = (assemble(found, split, classes) for split in SPLITS)
    return Dataset(
        kind="folder",
        title=title(path),
        source=str(path),
        classes=classes,
        train=train,
        test=test,
        fingerprint=fingerprint(classes, (train, test)),
        note=note(path, found, train, test),
    )


def collect(path: Path) -> Collection:
    """Decode what lies in class folders; remember what cannot be decoded."""
    found = Collection()
    for entry, place in placed(path, entries(path)):
        refuse_repeat(path, found, entry, place)
        found.seen.add(place)
        if place.file:
            add(found, entry, place)
        if len(found.faults) >= MAX_FAULTS:
            break
    return found


def refuse_repeat(path: Path, found: Collection, entry: ArchiveEntry, place: ImageLocation) -> None:
    """Raise if a file comes twice, or if there is a second pair of train and test."""
    if place.file and place in found.seen:
        raise DataError(f"{path} has {entry.name} twice. Pack the images anew.")
    other = next(iter(found.seen), place)
    if other.top != place.top:
        raise DataError(
            f"{path} has two sets of images, under '{other.top}' and '{place.top}'. {REMEDY}"
        )


def add(found: Collection, entry: ArchiveEntry, place: ImageLocation) -> None:
    """Decode one image and put it to the others."""
    data = entry.read()
    try:
        picture = open_image(data, entry.name)
    except ImageError as error:
        found.faults.append(str(error))
        return
    found.places.append(place)
    found.lossy += data.startswith(b"\xff\xd8")
    found.scaled += picture.size != (SIZE, SIZE)
    found.pixels += network_view(picture).tobytes()


def refuse_faults(path: Path, found: Collection) -> None:
    """Raise if any image could not be decoded."""
    if not found.faults:
        return
    count = f"{len(found.faults)}{' or more' if len(found.faults) >= MAX_FAULTS else ''}"
    files = "image" if count == "1" else "images"
    raise DataError(
        f"{path} has {count} {files} that cannot be used; replace or remove them. "
        + " ".join(found.faults[:3])
    )


def check_classes(path: Path, found: Collection) -> tuple[str, ...]:
    """Return the class names in alphabetical order, the same in train and test."""
    train, test = (
        {place.label for place in found.seen if place.split == wanted} for wanted in SPLITS
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
    if len(train) < 2:
        raise DataError(f"{path} has the class '{min(train)}' alone, but at least 2 are needed.")
    check_counts(path, found)
    return tuple(sorted(train))


def check_counts(path: Path, found: Collection) -> None:
    """Raise if a class has too few images to learn from or to test with."""
    have = dict.fromkeys(sorted({(place.split, place.label) for place in found.seen}), 0)
    for place in found.places:
        have[place.split, place.label] += 1
    for (split, label), count in have.items():
        least = LEAST_TRAIN if split == "train" else 1
        if count < least:
            raise DataError(
                f"{path} has {count} images in {split}/{label}, but at least {least} are needed. "
                "Add some, or remove the class from train and test."
            )


def assemble(found: Collection, split: str, classes: tuple[str, ...]) -> Images:
    """Put the images of a split into their order."""
    order = found.order(split)
    pixels = np.frombuffer(found.pixels, np.uint8).reshape(-1, SIZE, SIZE, 3)[order]
    index = {label: number for number, label in enumerate(classes)}
    labels = [index[found.places[i].label] for i in order]
    return Images(pixels=pixels, labels=np.array(labels, np.int64))


def note(path: Path, found: Collection, train: Images, test: Images) -> str:
    """Say what a person should know before quoting a figure from these images."""
    kind = "folder" if path.is_dir() else "archive"
    notes = [f"{len(found.places):,} image files from the {kind} {path.name}."]
    if found.lossy:
        share = "They" if found.lossy == len(found.places) else f"{found.lossy:,} of them"
        notes.append(
            f"{share} were stored as JPEG, which loses detail: "
            "accuracies are not comparable with those on the original CIFAR-10."
        )
    if found.scaled:
        notes.append(f"{found.scaled:,} were cropped to a square and scaled to {SIZE} x {SIZE}.")
    return " ".join(notes + repeats(train, test))


def repeats(train: Images, test: Images) -> list[str]:
    """Say how many images occur under two labels, or both in train and test."""
    labels: dict[bytes, int] = {}
    torn = 0
    for image, label in zip(train.pixels, train.labels.tolist(), strict=True):
        torn += labels.setdefault(image.tobytes(), label) != label
    leaked = sum(image.tobytes() in labels for image in test.pixels)
    notes = []
    if torn:
        notes.append(f"{torn:,} training images also occur under another class.")
    if leaked:
        notes.append(f"{leaked:,} test images are also training images.")
    return notes
