"""Reads a tar from its beginning to its end, compressed or not."""

import bz2
import gzip
import lzma
import os
import posixpath
import tarfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, Any

from cifar_core.data.sources import limits
from cifar_core.data.sources.entry import DEVICE, LEADS_OUT, TOO_LARGE, ArchiveEntry, no_file
from cifar_core.data.sources.limits import REMEDY
from cifar_core.errors import DataError

STREAMS: dict[bytes, Callable[..., Any]] = {  # first bytes of a file -> how to unpack it
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ": lzma.open,
}


def stream_opener(start: bytes) -> Callable[..., Any] | None:
    """Return the function that decompresses a file with these first bytes, if any."""
    return next((opener for magic, opener in STREAMS.items() if start.startswith(magic)), None)


def tar_entries(path: Path, file: IO[bytes], packed: int) -> Iterator[ArchiveEntry]:
    """Yield the entries of a tar of `packed` bytes; `path` is for messages."""
    opener = stream_opener(file.read(16))
    if opener is None:
        check_tar_end(file, packed)
    file.seek(0)
    stream: Any = Bounded(opener(file) if opener else file, path, packed)
    with tarfile.open(fileobj=stream, mode="r:") as tar:
        for member in tar:
            yield entry_of(path, tar, member)
            tar.members = []  # type: ignore[attr-defined]  # or it would keep all of them
    while stream.read(2**20):  # to the end, which has the checksum
        pass


def entry_of(path: Path, tar: tarfile.TarFile, member: tarfile.TarInfo) -> ArchiveEntry:
    """Return a member as an entry."""
    name = member.name.lstrip("/")
    if member.issym() or member.islnk():
        base = posixpath.dirname(name) if member.issym() else ""
        target = posixpath.normpath(posixpath.join(base, member.linkname.lstrip("/")))
        out = target.startswith("..") or (member.issym() and member.linkname.startswith("/"))
        why, target = (LEADS_OUT, "") if out else ("", target)
        return ArchiveEntry(name, False, path, no_file, why, target)
    if not (member.isfile() or member.isdir()):
        return ArchiveEntry(name, False, path, no_file, DEVICE)
    large = member.size > limits.MAX_FILE_BYTES or member.issparse()
    read = partial(open_member, tar, member)
    return ArchiveEntry(name, member.isdir(), path, read, TOO_LARGE if large else "")


def open_member(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    """Return the contents of a plain file as a stream."""
    file = tar.extractfile(member)
    assert file is not None  # folders are never read
    return file


def check_tar_end(file: IO[bytes], size: int) -> None:
    """Refuse a tar without its end mark, since a cut between two members would go unnoticed."""
    file.seek(max(0, size - 1024), os.SEEK_SET)
    if any(file.read(1024)):
        raise EOFError("its end mark is missing")


class Bounded:
    """A stream that refuses to deliver more than the limits, however it is compressed."""

    def __init__(self, raw: IO[bytes], path: Path, packed: int = 0) -> None:
        self.raw, self.path, self.packed = raw, path, packed

    def read(self, size: int) -> bytes:
        """Read at most `size` bytes."""
        if size > limits.MAX_FILE_BYTES:
            raise DataError(
                f"{self.path} has a header of {size / 1e6:,.0f} MB, which no valid archive has. "
                f"{REMEDY}"
            )
        limits.refuse_volume(self.path, self.raw.tell() + size, self.packed)
        return self.raw.read(size)

    def seek(self, position: int) -> int:
        """Go to a position of the unpacked stream."""
        limits.refuse_volume(self.path, position, self.packed)
        return self.raw.seek(position)

    def tell(self) -> int:
        """Return the position in the unpacked stream."""
        return self.raw.tell()

    def seekable(self) -> bool:
        """Say that `seek` works, for readers of an archive in an archive."""
        return True
