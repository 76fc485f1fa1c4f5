"""Walks a folder, following links, without ever walking in a circle."""

import os
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from cifar_core.data import roots
from cifar_core.data.sources import entry as reasons
from cifar_core.data.sources.entry import ArchiveEntry, no_file
from cifar_core.data.sources.limits import MAX_DEPTH

MOST_VISITS = 4  # of one folder, through links: more of them could double at every level
Key = tuple[int, int]  # device and number


def folder_entries(root: Path) -> Iterator[ArchiveEntry]:
    """Yield everything in a folder and its subfolders.

    Links are followed: the folder is the user's own, or `roots` says where they may lead.
    """
    cut = len(os.path.join(root, ""))  # noqa: PTH118 - thousands of them
    for file, why in walk(root):
        path, name = file.path, file.path[cut:]
        if why:
            yield ArchiveEntry(name, False, root, no_file, why)
        elif file.is_dir():
            yield ArchiveEntry(name, True, root, no_file)
        else:
            yield ArchiveEntry(name, False, root, partial(open, path, "rb"), "", "", path)


def walk(root: Path | str) -> "Iterator[tuple[os.DirEntry[str], str]]":
    """Yield every file and folder below a folder, and why it cannot be used, "" if it can.

    Folders that cannot be read, links that lead nowhere or in a circle, and pipes, which would
    block, are yielded with their reason. Raises OSError if the folder itself cannot be read, and
    DataError for a link that `roots` forbids.
    """
    above = Path(root).stat()
    yield from below(os.fspath(root), ((above.st_dev, above.st_ino),), Counter())


def below(
    folder: str, above: tuple[Key, ...], visits: Counter[Key]
) -> "Iterator[tuple[os.DirEntry[str], str]]":
    """Yield what lies in a folder; `above` are this folder and those that it lies in."""
    with os.scandir(folder) as found:
        files = sorted(found, key=lambda file: file.name)
    for file in files:
        linked = file.is_symlink()
        if linked:
            roots.refuse_way_out(Path(file.path))
        try:
            if not file.is_dir():
                yield file, why_not(file, linked)
                continue
            about = file.stat()
        except OSError:  # a circle of links
            yield file, reasons.GONE
            continue
        key = (about.st_dev, about.st_ino)
        if key in above or (
            linked and (visits[key] >= MOST_VISITS or is_around(file.path, folder))
        ):
            yield file, reasons.ROUND
        elif len(above) >= MAX_DEPTH:
            yield file, reasons.TOO_DEEP
        elif not os.access(file.path, os.R_OK | os.X_OK):
            yield file, reasons.FORBIDDEN
        else:
            visits[key] += linked
            yield file, ""
            yield from below(file.path, (*above, key), visits)


def is_around(link: str, folder: str) -> bool:
    """Return True if a link leads to a folder in which `folder` itself lies, after all links."""
    return Path(folder).resolve().is_relative_to(Path(link).resolve())


def why_not(file: "os.DirEntry[str]", linked: bool) -> str:
    """Return why a file cannot be used; "" if it can."""
    if not file.is_file():
        return reasons.GONE if linked else reasons.DEVICE
    return "" if os.access(file.path, os.R_OK) else reasons.FORBIDDEN
