"""How much a folder or archive may hold, and the sentences that refuse more."""

import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from cifar_core.disk.os_errors import reason
from cifar_core.errors import DataError

MAX_ENTRIES = 2_000_000  # files and folders
MAX_FILE_BYTES = 64 * 2**20  # of one picture; larger files are left out
MAX_TOTAL_BYTES = 64 * 2**30  # of an archive, unpacked
FREE_BYTES = 8 * 2**30  # that any archive may unpack to
MAX_RATIO = 100  # unpacked to packed bytes beyond that: pictures never shrink that much
FIRST_BYTES = 2**16  # of a file, asked for at once
NEXT_BYTES = 2**20
MAX_DEPTH = 24  # folders within folders
MAX_NAME = 4096  # characters of a name with its folders
DAMAGED = (
    *(tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError),
    *(EOFError, OSError, NotImplementedError),  # the last for an unknown compression
    *(ValueError, LookupError, OverflowError, struct.error),  # invalid names and numbers
)
SHOWN = 80  # characters of a name, or of an unpacker's error, in a message
REMEDY = "Give a folder or archive of pictures, with a folder for each class."


def read_at_most(file: IO[Any], size: int) -> bytes:
    """Return the next bytes of a file, `size` of them or all that are left.

    They are asked for in pieces, since `file.read(size)` takes memory for all of `size` first: for
    a small picture that costs as much time as a third of its decoding.
    """
    data: bytes = file.read(min(size, FIRST_BYTES))
    if len(data) < FIRST_BYTES:
        return data
    pieces, left = [data], size - len(data)
    while left and (piece := file.read(min(left, NEXT_BYTES))):
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)


def shown(words: object, most: int = SHOWN) -> str:
    """Return a text from elsewhere in a form fit for messages: one line, printable and short."""
    text = "".join(letter if letter.isprintable() else "?" for letter in str(words)[: most + 1])
    return text if len(text) <= most else text[:most] + "..."


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


def refuse_more_than(path: Path, count: int) -> None:
    """Raise DataError if a source has too many entries."""
    if count > MAX_ENTRIES:
        raise DataError(f"{path} has more than {MAX_ENTRIES:,} entries. {REMEDY}")


def most_unpacked(packed: int) -> int:
    """Return to how many bytes an archive of this size may unpack."""
    return min(MAX_TOTAL_BYTES, max(FREE_BYTES, MAX_RATIO * packed))


def refuse_volume(path: Path, unpacked: int, packed: int) -> None:
    """Raise DataError if an archive unpacks to more than pictures do."""
    most = most_unpacked(packed)
    if unpacked > most:
        raise DataError(f"{path} unpacks to more than {most / 2**30:.0f} GiB. {REMEDY}")
