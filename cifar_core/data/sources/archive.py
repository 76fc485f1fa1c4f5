"""Lists the files of a folder, tar or zip without unpacking them, and refuses malicious entries.

Members are read in memory and never written, so that no name can reach outside a folder. Names
that try to, links, devices and contents beyond the limits are refused nevertheless, since no
archive of images should have them.
"""

import bz2
import gzip
import lzma
import os
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, Any

from cifar_core.data import roots
from cifar_core.disk.os_errors import reason
from cifar_core.errors import DataError

MAX_ENTRIES = 300_000  # files and folders
MAX_FILE_BYTES = 64 * 2**20
MAX_TOTAL_BYTES = 8 * 2**30  # unpacked
MAX_DEPTH = 4  # top/train/class/image
DAMAGED = (
    *(tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError),
    *(EOFError, OSError, NotImplementedError),  # the last for an unknown compression
    *(ValueError, LookupError, OverflowError, struct.error),  # invalid names and numbers
)
SHOWN = 80  # characters of a name, or of an unpacker's error, in a message
STREAMS: dict[bytes, Callable[..., Any]] = {  # first bytes of a file -> how to unpack it
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ": lzma.open,
}
REMEDY = "Give a folder or archive that has only train/<class>/* and test/<class>/* images."


@dataclass(frozen=True, kw_only=True)
class ArchiveEntry:
    """One file or folder. `read` must be called before the next entry is asked for."""

    name: str  # relative, with forward slashes
    is_folder: bool
    read: Callable[[], bytes]


def entries(path: Path) -> Iterator[ArchiveEntry]:
    """Yield the entries of a folder or archive, in no particular order; raises DataError."""
    with refuse_damage(path):
        for count, entry in enumerate(reader_of(path)(path), start=1):
            if count > MAX_ENTRIES:
                raise DataError(f"{path} has more than {MAX_ENTRIES:,} entries. {REMEDY}")
            refuse_escape(path, entry.name)
            yield replace(entry, read=guarded(path, entry.read))


def guarded(path: Path, read: Callable[[], bytes]) -> Callable[[], bytes]:
    """Return the same reader, with DataError for damage."""

    def read_safely() -> bytes:
        with refuse_damage(path):
            return read()

    return read_safely


@contextmanager
def refuse_damage(path: Path) -> Iterator[None]:
    """Turn the errors of the unpackers on damaged files into a DataError."""
    try:
        yield
    except PermissionError as error:
        raise DataError(
            f"{shown(error.filename or path)} may not be read by this program. Give it permission "
            "to read the images, or take this file or folder out."
        ) from error
    except DAMAGED as error:
        why = shown(reason(error)) if str(error) else "it ends too early"
        raise DataError(
            f"{path} is damaged or cut short ({why}). "
            "Get it again and compare its size with the original."
        ) from error


def shown(words: object, most: int = SHOWN) -> str:
    """Return a text from elsewhere in a form fit for messages: one line, printable and short."""
    text = "".join(letter if letter.isprintable() else "?" for letter in str(words)[: most + 1])
    return text if len(text) <= most else text[:most] + "..."


def reader_of(path: Path) -> Callable[[Path], Iterator[ArchiveEntry]]:
    """Choose how to read a path by its contents, not by its name."""
    if path.is_dir():
        return folder_entries
    if not path.is_file():
        raise DataError(f"There is nothing at {path}. Check the path, or $CIFAR_DATA if it is set.")
    with path.open("rb") as file:
        start = file.read(512)
    if start[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return zip_entries
    if stream_opener(start) or start[257:262] == b"ustar":
        return tar_entries
    raise DataError(f"{path} is neither a folder nor a tar, tar.gz or zip archive. {REMEDY}")


def stream_opener(start: bytes) -> Callable[..., Any] | None:
    """Return the function that decompresses a file with these first bytes, if any."""
    return next((opener for magic, opener in STREAMS.items() if start.startswith(magic)), None)


def refuse_escape(path: Path, name: str) -> None:
    """Refuse a name that would lie outside the folder to which it is unpacked."""
    pure = PurePosixPath(name.replace("\\", "/"))
    if pure.is_absolute() or ".." in pure.parts or ":" in name.split("/")[0]:
        raise DataError(
            f"{path} has the entry '{shown(name)}', which leads outside it. Do not trust it."
        )


def folder_entries(root: Path) -> Iterator[ArchiveEntry]:
    """Walk a folder, following links: it is the user's own, or `roots` says where they may lead."""
    for file in walk(root):
        is_folder = file.is_dir()
        if is_folder or file.is_file():  # a pipe or device would block
            path = Path(file.path)
            name = path.relative_to(root).as_posix()
            yield ArchiveEntry(name=name, is_folder=is_folder, read=path.read_bytes)


def walk(folder: Path | str, depth: int = 1) -> "Iterator[os.DirEntry[str]]":
    """Yield everything in a folder and its subfolders, as deep as images can be."""
    with os.scandir(folder) as files:
        for file in files:
            if file.is_symlink():
                roots.refuse_way_out(Path(file.path))
            yield file
            if depth < MAX_DEPTH and file.is_dir():
                yield from walk(file.path, depth + 1)


def tar_entries(path: Path) -> Iterator[ArchiveEntry]:
    """Read a tar from its beginning to its end, compressed or not."""
    with path.open("rb") as file:
        opener = stream_opener(file.read(16))
    if opener is None:
        check_tar_end(path)
    with opener(path) if opener else path.open("rb") as raw:
        stream: Any = Bounded(raw, path)
        with tarfile.open(fileobj=stream, mode="r:") as tar:
            for member in tar:
                refuse_trap(path, member)
                read = partial(read_member, tar, member)
                yield ArchiveEntry(name=member.name, is_folder=member.isdir(), read=read)
        while stream.read(2**20):  # to the end, which has the checksum
            pass


def refuse_trap(path: Path, member: tarfile.TarInfo) -> None:
    """Refuse an entry that is neither a plain file of moderate size nor a folder."""
    if not (member.isfile() or member.isdir()):
        raise DataError(
            f"{path} has the entry '{shown(member.name)}', which is a link or a device. "
            "Pack the images themselves."
        )
    if member.size > MAX_FILE_BYTES or member.issparse():  # a sparse one can unpack to anything
        raise DataError(
            f"{path} has the entry '{shown(member.name)}' of {member.size / 1e6:,.0f} MB, "
            f"far too large for an image. {REMEDY}"
        )


def read_member(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    """Return the contents of a plain file."""
    file = tar.extractfile(member)
    assert file is not None  # folders are never read
    return file.read()


def check_tar_end(path: Path) -> None:
    """Refuse a tar without its end mark, since a cut between two members would go unnoticed."""
    with path.open("rb") as file:
        file.seek(-min(1024, path.stat().st_size), os.SEEK_END)
        if any(file.read()):
            raise EOFError("its end mark is missing")


class Bounded:
    """A stream that refuses to deliver more than the limits, however it is compressed."""

    def __init__(self, raw: IO[bytes], path: Path) -> None:
        self.raw, self.path = raw, path

    def read(self, size: int) -> bytes:
        """Read at most `size` bytes."""
        if size > MAX_FILE_BYTES:
            raise DataError(
                f"{self.path} has a header of {size / 1e6:,.0f} MB, which no valid archive has. "
                f"{REMEDY}"
            )
        self._check(self.raw.tell() + size)
        return self.raw.read(size)

    def seek(self, position: int) -> int:
        """Go to a position of the unpacked stream."""
        self._check(position)
        return self.raw.seek(position)

    def tell(self) -> int:
        """Return the position in the unpacked stream."""
        return self.raw.tell()

    def _check(self, position: int) -> None:
        if position > MAX_TOTAL_BYTES:
            raise DataError(
                f"{self.path} unpacks to more than {MAX_TOTAL_BYTES / 2**30:.0f} GiB. {REMEDY}"
            )


def zip_entries(path: Path) -> Iterator[ArchiveEntry]:
    """Read a zip; zipfile never delivers more than the declared sizes, which are checked."""
    total = 0
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if stat.S_ISLNK(member.external_attr >> 16):
                raise DataError(
                    f"{path} has the link '{shown(member.filename)}'. Pack the image itself."
                )
            if member.flag_bits & 1:
                raise DataError(f"{path} is encrypted. Unpack it and give the folder.")
            total += member.file_size
            if member.file_size > MAX_FILE_BYTES or total > MAX_TOTAL_BYTES:
                raise DataError(
                    f"{path} unpacks to too much at '{shown(member.filename)}'. {REMEDY}"
                )
            yield ArchiveEntry(
                name=member.filename,
                is_folder=member.is_dir(),
                read=partial(archive.read, member),
            )
