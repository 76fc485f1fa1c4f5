"""What a decoded source must have to be a set of images; refusals are sentences."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from cifar_core.data.contents import Contents
from cifar_core.disk.checks import MOST_CLASSES
from cifar_core.errors import DataError
from cifar_core.installation import PROGRAM
from cifar_core.numbers import counted

QUOTED = 3  # reasons in a message


def check_contents(path: Path, contents: Contents) -> None:
    """Raise DataError if what a source lists can be no set, before anything is decoded."""
    parts = {item.part for item in contents.items}
    for part, name in (("train", "training"), ("test", "test")):
        if part not in parts:
            raise DataError(
                f"{path} has no {name} images. Give a folder or archive with a folder of images "
                "for each class."
            )
    if len(contents.classes) > MOST_CLASSES:
        raise DataError(
            f"{path} has {len(contents.classes):,} classes, but at most {MOST_CLASSES:,} can be "
            "used. Remove some."
        )
    if len(contents.classes) < 2:
        raise DataError(
            f"{path} has only the class '{''.join(contents.classes)}', but at least 2 are needed. "
            "Add images of another one."
        )


def refuse_unreadable(path: Path, reasons: Mapping[int, str], images: int, allowed: float) -> None:
    """Raise DataError if a larger share of the pictures is unreadable than is allowed."""
    count = len(reasons)
    if count <= allowed * images:
        return
    pictures, them = ("pictures", "them") if count > 1 else ("picture", "it")
    quoted = " ".join(reasons[index] for index in sorted(reasons)[:QUOTED])
    more = f" {count - QUOTED:,} more are in the list of unreadable files." * (count > QUOTED)
    raise DataError(
        f"{path} has {count:,} {pictures} that cannot be used, which is {percent(count / images)} "
        f"of {images:,}; at most {percent(allowed)} may be left out. {quoted}{more} Replace or "
        f"remove {them}, or allow a larger share: on the Data page in the menu More of these "
        f"images, under 'How these images are read', or with {PROGRAM} data decode --unreadable."
    )


def refuse_other_pictures(path: Path, reasons: Mapping[int, str], side: int) -> None:
    """Raise DataError if pictures cannot be decoded at a size, though they can at 32 pixels.

    Runs at all sizes have the same images, so that they can be compared.
    """
    if reasons:
        quoted = " ".join(reasons[index] for index in sorted(reasons)[:QUOTED])
        raise DataError(
            f"{path} has {counted(len(reasons), 'picture')} that can be read at 32 x 32 pixels, "
            f"but not at {side} x {side}: {quoted} Replace or remove what cannot be read, or "
            "choose a smaller image size."
        )


def percent(share: float) -> str:
    """Write a share with two digits, never rounded to nothing."""
    return f"{float(f'{100 * share:.2g}'):g} %"


def check_counts(path: Path, contents: Contents, unreadable: Mapping[int, str]) -> None:
    """Raise DataError if a class has no image left, or none can be kept back for validation."""
    listed = Counter((item.part, item.label) for item in contents.items)
    lost = Counter((item.part, item.label) for item in map(contents.items.__getitem__, unreadable))
    left = {(part, label): count - lost[part, label] for (part, label), count in listed.items()}
    for (part, label), count in left.items():
        if not count:
            raise DataError(
                f"{path} has no readable {part} images of the class '{label}', but at least 1 is "
                "needed. Add some, or remove the class."
            )
    most = max((count for (part, _), count in left.items() if part == "train"), default=0)
    if most < 2 and not any(part == "val" for part, _ in left):
        raise DataError(
            f"{path} has 1 training image of each class, so that none can be kept back for "
            "validation. Add at least one image to a class."
        )
