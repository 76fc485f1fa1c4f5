"""Whether a path may hold images, as a glance at a few of its files shows."""

import os
from collections.abc import Iterator
from pathlib import Path

from cifar_core.data.layout import synonyms

MOST_FILES = 2000  # looked at in all
MOST_INSIDE = 40  # of one folder
MOST_DEPTH = 8
WHOLE = synonyms.words("npz npy parquet arrow mat tfrecord")  # of files that hold many pictures
USED = synonyms.PICTURES | synonyms.ARCHIVES | synonyms.PACKED | WHOLE
NAMED = ("idx1", "idx3", "_batch", "batch_", ".tar.", "train", "test")  # in names of further ones
ENDINGS = synonyms.words("gz bz2 xz bin pkl pickle csv tsv") | {""}


def may_hold_images(path: Path, most: int = MOST_FILES) -> bool:
    """Return False for a folder in which no file looks like one of a set of images.

    At most `most` files are considered, a few of each folder. Never raises.
    """
    try:
        if not path.is_dir():
            return path.is_file()
        return any(is_used(name) for name in some_files(path, most))
    except OSError:
        return False


def is_used(name: str) -> bool:
    """Return True for a file that belongs to a set by its name."""
    ending = synonyms.ending_of(name)
    return ending in USED or (ending in ENDINGS and any(word in name.lower() for word in NAMED))


def some_files(path: Path, most: int) -> Iterator[str]:
    """Yield the names of some files of a folder and of folders in it, those above first."""
    waiting = [(path, 0)]
    while waiting and most > 0:
        folder, depth = waiting.pop(0)
        try:
            with os.scandir(folder) as found:
                for _, file in zip(range(MOST_INSIDE), found, strict=False):
                    most -= 1
                    if synonyms.is_junk(file.name):
                        continue
                    if not file.is_dir():
                        yield file.name
                    elif depth < MOST_DEPTH:
                        waiting.append((Path(file.path), depth + 1))
        except OSError:  # not readable, or a circle of links
            continue
