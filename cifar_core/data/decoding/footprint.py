"""Whether a source has changed since it was decoded: all of it, or what can be checked quickly.

The thorough check covers every file; 100,000 of them take about a second. The quick one covers the
folders, whose time changes when a file in them is added, removed or renamed, and other files than
pictures, such as a table of labels. So it only misses a picture that was overwritten in place; the
start of a run, which must be sure, does the thorough check.
"""

import hashlib
import os
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cifar_core.data import roots
from cifar_core.data.layout.synonyms import is_junk
from cifar_core.disk import files
from cifar_core.errors import DataError

MOST_ENTRIES = 2_000_000  # files and folders of a source
MOST_FILES = 1000  # other files than pictures that the quick check covers
UNSURE = "surrogateescape"  # names that are not UTF-8


@dataclass(frozen=True, kw_only=True)
class Footprint:
    """What a source consists of, without what file managers leave behind."""

    digest: str  # differs when any file was added, removed, replaced or written to
    folders: tuple[str, ...]  # relative to the source; "" is the source itself
    files: tuple[str, ...]

    def watched(self, pictures: Collection[str]) -> list[str]:
        """Return what the quick check covers: all folders, and other files than pictures."""
        others = (name for name in self.files if name not in pictures)
        return [*self.folders, *(name for name, _ in zip(others, range(MOST_FILES), strict=False))]


def footprint(path: Path) -> Footprint:
    """Return the state of all files of a source; DataError if there are none, or far too many."""
    if not path.exists():
        raise DataError(f"There is nothing at {path}. Check the path, or $CIFAR_DATA if it is set.")
    if not path.is_dir():
        return Footprint(digest=digest_of(path, [""]), folders=(), files=("",))
    folders, names, lines = [""], list[str](), list[str]()
    for count, (name, is_folder, line) in enumerate(walked(path), start=1):
        if count > MOST_ENTRIES:
            raise DataError(
                f"{path} has more than {MOST_ENTRIES:,} files and folders. Choose the folder that "
                "has the images."
            )
        (folders if is_folder else names).append(name)
        if not is_folder:
            lines.append(line)
    lines.sort()
    return Footprint(
        digest=sha256(lines), folders=tuple(sorted(folders)), files=tuple(sorted(names))
    )


def walked(root: Path) -> Iterator[tuple[str, bool, str]]:
    """Yield everything in a folder: its name, whether it is a folder, and a line on its state.

    Links are followed, each folder once; a file that cannot be found is listed without a state.
    """
    waiting, seen = [""], {same(root.stat())}
    while waiting:
        folder = waiting.pop()
        try:
            entries = list(os.scandir(root / folder if folder else root))
        except OSError:  # the reader says what is wrong with it
            continue
        for entry in entries:
            if is_junk(entry.name):
                continue
            name = f"{folder}/{entry.name}" if folder else entry.name
            if entry.is_symlink():
                roots.refuse_way_out(root / name)
            try:
                about = entry.stat()
                is_folder = entry.is_dir()
            except OSError:  # a broken link, or a circle of links
                yield name, False, f"{name}\0"
                continue
            if is_folder and same(about) in seen:
                continue
            if is_folder:
                seen.add(same(about))
                waiting.append(name)
            yield name, is_folder, line_of(name, about)


def same(about: os.stat_result) -> tuple[int, int]:
    """Return what is equal for two names of one folder."""
    return about.st_dev, about.st_ino


def line_of(name: str, about: os.stat_result) -> str:
    """Return a file's state as a line."""
    return f"{name}\0{about.st_size} {about.st_mtime_ns}"


def digest_of(root: Path, names: Iterable[str]) -> str:
    """Return a value that changes with the state of some files and folders of a source."""
    lines = []
    for name in names:
        try:
            lines.append(line_of(name, (root / name if name else root).stat()))
        except OSError:
            lines.append(f"{name}\0")
    return sha256(lines)


def sha256(lines: Iterable[str]) -> str:
    """Return the checksum of lines, which are never all joined: there may be millions."""
    digest = hashlib.sha256()
    for number, line in enumerate(lines):
        digest.update(("\n" * bool(number) + line).encode("utf-8", UNSURE))
    return digest.hexdigest()


def watch(file: Path, root: Path, names: Iterable[str], how: str) -> None:
    """Write down the state of some files and folders of a source, and how it was decoded."""
    listed = [name for name in names if "\n" not in name]
    text = "\n".join([how + digest_of(root, listed), *listed])
    with files.replacing(file) as draft:
        draft.write_bytes(text.encode("utf-8", UNSURE))


def is_unchanged(file: Path, root: Path, how: str) -> bool:
    """Return whether `watch` would write the same again; False if it has written nothing."""
    try:
        first, *names = file.read_bytes().decode("utf-8", UNSURE).split("\n")
    except OSError:
        return False
    return first.startswith(how) and first == how + digest_of(root, names)
