"""The files of a source that might hold a whole set of images, opened one by one.

A folder, a folder around one, a single file, or an archive. Members of an archive are unpacked one
at a time into a temporary file without a name, so that they can be read in any order and nothing
is left behind.
"""

import functools
import os
import tempfile
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from cifar_core.data import roots
from cifar_core.data.layout.synonyms import PICTURES, ending_of, is_junk
from cifar_core.data.sources.archive import ArchiveEntry, entries, refuse_damage, shown
from cifar_core.data.sources.entry import TOO_LARGE
from cifar_core.data.sources.tar_files import stream_opener
from cifar_core.data.sources.zip_files import MAGIC
from cifar_core.disk import space
from cifar_core.errors import DataError

MOST_FILES = 4096  # a source with more of them is one of single pictures
MOST_PICTURES = 3  # a few may illustrate a readme
MOST_DEPTH = 5
LARGEST = 16 * 2**30  # bytes of an unpacked file
BLOCK = 2**20
WHOLE_FILES = {".npz", ".npy", ".parquet", ".mat", ".pkl", ".pickle"}  # some of them are zips


@dataclass(frozen=True, kw_only=True)
class Holding:
    """The files of a source."""

    root: Path  # a folder or an archive
    names: tuple[str, ...]  # relative to the root, with forward slashes
    packed: bool = False

    def each(self, names: Collection[str]) -> Iterator[tuple[str, IO[bytes]]]:
        """Yield each of the files with its name, open until the next one is asked for.

        Raises DataError for an archive that is damaged, or a file that may not be read.
        """
        files = unpacked(self.root, set(names)) if self.packed else opened(self.root, names)
        with refuse_damage(self.root):
            yield from files

    def endings(self, *endings: str) -> list[str]:
        """Return the names that end in one of the endings, whatever their capitals."""
        return [name for name in self.names if name.lower().endswith(endings)]


def stem(name: str) -> str:
    """Return a file's name without folders and without its ending."""
    return PurePosixPath(name).stem


def holding_of(path: Path) -> Holding | None:
    """Return the files of a source; None if they are single pictures, or cannot be listed."""
    try:
        if path.is_dir():
            return of_folder(path)
        if not path.is_file():
            return None
        if not is_whole(path.name) and is_archive(path):
            return of_archive(path)
        return Holding(root=path.parent, names=(path.name,))
    except (OSError, ValueError, DataError):  # not permitted, damaged: `tree` says what it is
        return None


def files_in(path: Path) -> list[str] | None:
    """Return the names of a folder's files; None if they are single pictures or not readable."""
    try:
        return few(walk(path))
    except (OSError, DataError):
        return None


def of_folder(path: Path) -> Holding | None:
    """Return the files of a folder; those of its archive where it holds nothing else."""
    names = few(walk(path))
    if names is None:
        return None
    if len(names) == 1 and not is_whole(names[0]) and is_archive(path / names[0]):
        return of_archive(path / names[0])
    return Holding(root=path, names=tuple(sorted(names)))


def is_whole(name: str) -> bool:
    """Return True for a file that holds a whole set, though it may be a zip inside."""
    return PurePosixPath(name).suffix.lower() in WHOLE_FILES


def few(found: Iterable[str]) -> list[str] | None:
    """Return the names of files; None as soon as they are too many, or single pictures."""
    names: list[str] = []
    pictures = 0
    for name in found:
        names.append(name)
        pictures += ending_of(name) in PICTURES
        if len(names) > MOST_FILES or pictures > MOST_PICTURES:
            return None
    return names


def walk(folder: Path, prefix: str = "", depth: int = 1) -> Iterator[str]:
    """Yield the names of a folder's files, its own before those of folders in it."""
    folders = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if hidden(entry.name):
                continue
            if entry.is_symlink():
                roots.refuse_way_out(Path(entry.path))
            if entry.is_dir():
                folders.append(entry)
            elif entry.is_file():
                yield prefix + entry.name
    for entry in folders if depth < MOST_DEPTH else ():
        yield from walk(Path(entry.path), f"{prefix}{entry.name}/", depth + 1)


def is_archive(path: Path) -> bool:
    """Return True if a file begins as an archive does that may hold several files."""
    with path.open("rb") as file:
        start = file.read(512)
    if start[:4] in MAGIC or start[257:262] == b"ustar":
        return True
    opener = stream_opener(start)
    if opener is None:
        return False
    try:
        with opener(path) as stream:
            return stream.read(512)[257:262] == b"ustar"
    except (OSError, EOFError, ValueError):
        return False


def of_archive(path: Path) -> Holding | None:
    """Return the files of an archive."""
    about = path.stat()
    return listed(path, about.st_size, about.st_mtime_ns)


@functools.lru_cache(maxsize=16)
def listed(path: Path, size: int, time: int) -> Holding | None:
    """List an archive once, for all formats; `size` and `time` are those of its file."""
    with refuse_damage(path):
        names = few(entry.name for entry in members(path))
    return None if names is None else Holding(root=path, names=tuple(sorted(names)), packed=True)


def members(path: Path) -> Iterator[ArchiveEntry]:
    """Yield the plain files of an archive; a file may be larger than a picture may."""
    for entry in entries(path):
        plain = not entry.is_folder and (not entry.why or entry.why == TOO_LARGE)
        if plain and not any(map(hidden, entry.name.split("/"))):
            yield entry


def hidden(name: str) -> bool:
    """Return True for what programs leave behind."""
    return name.startswith(".") or is_junk(name)


def opened(root: Path, names: Collection[str]) -> Iterator[tuple[str, IO[bytes]]]:
    """Yield files of a folder."""
    for name in sorted(names):
        with (root / name).open("rb") as file:
            yield name, file


def unpacked(path: Path, names: set[str]) -> Iterator[tuple[str, IO[bytes]]]:
    """Yield files of an archive, each in a temporary file, in the order of the archive."""
    missing = set(names)
    for entry in members(path):
        if entry.name in missing:
            missing.remove(entry.name)
            with tempfile.TemporaryFile() as file:
                with entry.open() as packed:
                    copy(path, entry.name, packed, file)
                file.seek(0)
                yield entry.name, file
        if not missing:
            return


def copy(path: Path, name: str, packed: IO[bytes], file: IO[bytes]) -> None:
    """Unpack a file of an archive; raises DataError beyond the limit."""
    size = 0
    with space.needed(LARGEST, Path(tempfile.gettempdir()), shown(name)):
        while data := packed.read(BLOCK):
            size += len(data)
            if size > LARGEST:
                raise DataError(
                    f"{path} has '{shown(name)}' of more than {LARGEST / 2**30:.0f} GiB, which is "
                    "the most that can be read from an archive. Unpack it and give the folder."
                )
            file.write(data)


def unzipped(file: IO[bytes]) -> IO[bytes]:
    """Return a file's contents as a stream, decompressed if it is a gzip, bzip2 or xz file."""
    start = file.read(16)
    file.seek(0)
    opener = stream_opener(start)
    return opener(file) if opener else file
