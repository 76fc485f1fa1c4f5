"""Lists the files of a folder, tar or zip without unpacking them, and refuses malicious entries.

Members are read in memory and never written, so that no name can reach outside a folder. Names
that try to and contents beyond the limits are refused nevertheless, since no archive of images
should have them; pipes and devices are left out.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from cifar_core.data.sources.entry import ArchiveEntry
from cifar_core.data.sources.folders import folder_entries
from cifar_core.data.sources.limits import (
    MAX_ENTRIES,
    MAX_FILE_BYTES,
    MAX_TOTAL_BYTES,
    REMEDY,
    refuse_damage,
    refuse_more_than,
    shown,
)
from cifar_core.data.sources.tar_files import STREAMS, Bounded, stream_opener, tar_entries
from cifar_core.data.sources.zip_files import MAGIC, zip_entries
from cifar_core.errors import DataError

__all__ = [
    "MAX_ENTRIES",
    "MAX_FILE_BYTES",
    "MAX_TOTAL_BYTES",
    "REMEDY",
    "STREAMS",
    "ArchiveEntry",
    "Bounded",
    "entries",
    "entries_of",
    "refuse_damage",
    "refuse_escape",
    "shown",
    "stream_opener",
]

Reader = Callable[[Path, IO[bytes], int], Iterator[ArchiveEntry]]
START = 512  # bytes that show what a file is
FOREIGN_STARTS = {  # of archives that cannot be read here
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"Rar!\x1a\x07": "RAR",
    b"\x28\xb5\x2f\xfd": "Zstandard",
}


def entries(path: Path) -> Iterator[ArchiveEntry]:
    """Yield the entries of a folder or archive, in no particular order; raises DataError."""
    if path.is_dir():
        with refuse_damage(path):
            yield from checked(path, folder_entries(path))
        return
    if not path.is_file():
        raise DataError(f"There is nothing at {path}. Check the path, or $CIFAR_DATA if it is set.")
    with refuse_damage(path), path.open("rb") as file:
        yield from entries_of(path, file, os.fstat(file.fileno()).st_size)


def entries_of(path: Path, file: IO[bytes], size: int) -> Iterator[ArchiveEntry]:
    """Yield the entries of an archive in an open file of `size` bytes; raises DataError."""
    with refuse_damage(path):
        reader = reader_of(path, file.read(START))
        file.seek(0)
        yield from checked(path, reader(path, file, size))


def checked(path: Path, found: Iterator[ArchiveEntry]) -> Iterator[ArchiveEntry]:
    """Yield the same entries within the limits."""
    for count, entry in enumerate(found, start=1):
        refuse_more_than(path, count)
        if ".." in entry.name:
            refuse_escape(path, entry.name)
        yield entry


def reader_of(path: Path, start: bytes) -> Reader:
    """Choose how to read an archive by its first bytes, not by its name."""
    if start[:4] in MAGIC:
        return zip_entries
    if stream_opener(start) or start[257:262] == b"ustar":
        return tar_entries
    for magic, kind in FOREIGN_STARTS.items():
        if start.startswith(magic):
            raise DataError(
                f"{path} is a {kind} archive, which cannot be opened here. Unpack it and give the "
                "folder, or pack the images as .zip or .tar.gz."
            )
    raise DataError(f"{path} is neither a folder nor a tar, tar.gz or zip archive. {REMEDY}")


def refuse_escape(path: Path, name: str) -> None:
    """Refuse a name that would lie outside the folder to which it is unpacked."""
    if ".." in name.replace("\\", "/").split("/"):
        raise DataError(
            f"{path} has the entry '{shown(name)}', which leads outside it. Do not trust it."
        )
