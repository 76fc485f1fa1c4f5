"""Reads a zip; zipfile never delivers more than the declared sizes, which are checked."""

import posixpath
import re
import stat
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import IO

from cifar_core.data.sources import limits
from cifar_core.data.sources.entry import LEADS_OUT, TOO_LARGE, ArchiveEntry, no_file
from cifar_core.data.sources.limits import MAX_NAME
from cifar_core.errors import DataError

ENCRYPTED, UTF8 = 1, 0x800  # flags of a member
MAGIC = (b"PK\x03\x04", b"PK\x05\x06")


def zip_entries(path: Path, file: IO[bytes], packed: int) -> Iterator[ArchiveEntry]:
    """Yield the entries of a zip of `packed` bytes, in the order of their data."""
    with zipfile.ZipFile(file) as archive:
        members = sorted(archive.infolist(), key=lambda member: member.header_offset)
        limits.refuse_more_than(path, len(members))
        limits.refuse_volume(path, sum(member.file_size for member in members), packed)
        for member in members:
            if member.flag_bits & ENCRYPTED:
                raise DataError(f"{path} is encrypted. Unpack it and give the folder.")
            yield entry_of(path, archive, member)


def entry_of(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> ArchiveEntry:
    """Return a member as an entry."""
    name = name_of(member)
    if stat.S_ISLNK(member.external_attr >> 16):
        readable = member.file_size <= MAX_NAME
        words = archive.read(member).decode("utf-8", "surrogateescape") if readable else ""
        target = posixpath.normpath(posixpath.join(posixpath.dirname(name), words))
        out = not words or words.startswith("/") or target.startswith("..")
        why, target = (LEADS_OUT, "") if out else ("", target)
        return ArchiveEntry(name, False, path, no_file, why, target)
    large = member.file_size > limits.MAX_FILE_BYTES
    read = partial(archive.open, member)
    why = TOO_LARGE if large else ""
    return ArchiveEntry(name, name.endswith("/"), path, read, why, alone=True)


def name_of(member: zipfile.ZipInfo) -> str:
    """Return a member's name, relative and with forward slashes.

    Some programs write UTF-8 without saying so, and zipfile then reads it as code page 437.
    """
    name = member.orig_filename.split("\0")[0]
    if not member.flag_bits & UTF8 and not name.isascii():
        with suppress(ValueError):
            name = name.encode("cp437").decode("utf-8")
    return re.sub(r"^([A-Za-z]:(?=/))?/*", "", name.replace("\\", "/"))
