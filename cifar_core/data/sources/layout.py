"""The split and class of an image, from its name: train/<class>/<file> or test/<class>/<file>."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from cifar_core.data.sources.archive import ArchiveEntry, shown
from cifar_core.disk.checks import LONGEST, Text, is_a
from cifar_core.errors import DataError

SPLITS = ("train", "test")
JUNK = {"Thumbs.db", "desktop.ini", "__MACOSX"}  # left behind by file managers


@dataclass(frozen=True, kw_only=True)
class ImageLocation:
    """The split and class of an image, and its file."""

    top: str  # the folder above train and test, "" if there is none
    split: str
    label: str  # the class's name
    file: str  # "" for the class's folder itself


def located(
    path: Path, files: Iterable[ArchiveEntry]
) -> Iterator[tuple[ArchiveEntry, ImageLocation]]:
    """Yield the entries that are class folders or lie in one."""
    for entry in files:
        location = location_of(path, entry)
        if location:
            yield entry, location


def location_of(path: Path, entry: ArchiveEntry) -> ImageLocation | None:
    """Return the location from a name such as top/train/cat/0001.png; None if not an image."""
    parts = PurePosixPath(entry.name).parts
    if any(part.startswith(".") or part in JUNK for part in parts):
        return None
    depth = next((i for i, part in enumerate(parts[:2]) if part in SPLITS), None)
    if depth is None or len(parts) == depth + 1:
        return None  # a readme, or train and test themselves
    top, (split, label, *file) = "/".join(parts[:depth]), parts[depth:]
    refuse_name(path, label)
    if entry.is_folder and not file:
        return ImageLocation(top=top, split=split, label=label, file="")
    if len(file) != 1 or entry.is_folder:
        raise DataError(
            f"{path} has {entry.name}, which does not lie in a class folder. "
            "Sort the images into train/<class>/ and test/<class>/."
        )
    return ImageLocation(top=top, split=split, label=label, file=file[0])


def refuse_name(path: Path, label: str) -> None:
    """Raise DataError if a class's name could not be shown on a page or saved with a run."""
    if is_a(label, Text):
        return
    why = "is not UTF-8" if len(label) <= LONGEST else f"has more than {LONGEST:,} characters"
    raise DataError(
        f"{path} has the class folder '{shown(label)}', whose name {why}. "
        "Rename the folder in train and in test."
    )
