"""The folders whose images may be used in a dashboard that others can reach: $CIFAR_DATA_ROOTS.

The person who starts the dashboard names them, separated like the folders of $PATH. Links that
lead out of them are refused, and no one learns what else is on the machine.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from cifar_core.data.layout.glance import may_hold_images
from cifar_core.errors import DataError

VARIABLE = "CIFAR_DATA_ROOTS"
ARCHIVES = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz")
MOST_OFFERED = 200  # entries of each folder that are considered
MOST_GLANCES = 100  # files in one of them


def roots() -> list[Path]:
    """Return the folders, without links in their own paths."""
    words = os.environ.get(VARIABLE, "").split(os.pathsep)
    return [Path(word).expanduser().resolve() for word in map(str.strip, words) if word]


def root_of(path: Path) -> Path | None:
    """Return the folder in which an absolute path lies by its name; None if in none of them."""
    named = Path(os.path.normpath(path))
    return next((root for root in roots() if named.is_relative_to(root)), None)


def inside(wanted: str) -> Path | None:
    """Return the path that a text names if it lies in one of the folders, else None.

    Other paths are never opened, so that not even the time reveals which of them exist.
    """
    try:
        path = Path(wanted)
        root = root_of(path) if path.is_absolute() else None
        real = path.resolve() if root else None
    except (OSError, ValueError, RuntimeError):  # too long, with a NUL, or a circle of links
        return None
    return real if root and real and real.is_relative_to(root) else None


def refuse_way_out(path: Path) -> None:
    """Raise DataError if a path in one of the folders is a link that leads out of it."""
    root = root_of(path)
    if root and not path.resolve().is_relative_to(root):
        raise DataError(
            f"{path} is a link that leads out of {root}, a folder of ${VARIABLE}. Put the images "
            "themselves there."
        )


def offered() -> Iterator[Path]:
    """Yield what looks like a set of images: the folders themselves, and what lies in them."""
    for root in roots():
        try:
            entries = sorted(root.iterdir())[:MOST_OFFERED]
        except OSError:  # not there, or not readable
            continue
        for path in (root, *entries):
            if inside(str(path)) == path and looks_like_images(path):
                yield path


def looks_like_images(path: Path) -> bool:
    """Return True for an archive, and for a folder in which a few files look like images."""
    try:
        if path.is_dir():
            return may_hold_images(path, MOST_GLANCES)
        return path.name.endswith(ARCHIVES) and path.is_file()
    except OSError:
        return False
