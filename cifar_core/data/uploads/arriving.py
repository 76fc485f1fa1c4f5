"""An upload while it arrives: pieces of its files, written to the disk where the last one ended.

A folder per upload, store/data/uploads/.arriving/<id>/: `begun.json` says what it will be,
`reached.json` how much is there, and `files/` has the files. A piece is a uint32 length (little
endian), that many bytes of JSON, [[name, bytes, offset in the file], ...], and the bytes of these
parts one after the other; a file may be spread over several pieces, and a piece may have thousands
of files. The position in an upload counts the bytes of the files alone.
"""

import json
import os
import secrets
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from msgspec import Struct

from cifar_core.data.sources.archive import MAX_ENTRIES, shown
from cifar_core.data.uploads import left_out, names
from cifar_core.disk import files, lock, removal, space
from cifar_core.disk.checks import Moment, Text, Whole, is_a
from cifar_core.errors import BusyError, DataError

PIECE_BYTES = 8 * 2**20  # of the files in one piece
HEAD_BYTES = 2 * 2**20  # of the names in one piece, at most
KEPT_FREE = 256_000_000  # bytes of the disk that no upload takes
BEGUN, REACHED, FILES, LOCK = "begun.json", "reached.json", "files", ".lock"
IDS = frozenset("0123456789abcdef")


class Begun(Struct, frozen=True, kw_only=True):
    """What an upload will be, as it was said when it began."""

    key: Text  # made of the names, sizes and times of the files: the same files have the same key
    owner: Text
    title: Text
    bytes: Whole
    files: Whole
    single: bool = False  # one file that is kept as it is, such as an archive
    into: Text = ""  # the uploaded set that the pictures are put into; "" makes a new one
    label: Text = ""  # the class that all of them belong to; "" if the files themselves say it
    folder: Text = ""  # of the set, that of a class, that they go to; "" to keep their own folders
    at: Moment = 0


class Reached(Struct, frozen=True, kw_only=True):
    """How much of an upload is on the disk, at least."""

    bytes: Whole = 0
    files: Whole = 0  # begun
    skipped: Whole = 0  # of the bytes, those of files that are not kept
    boot: Text = ""  # of the machine: bytes written before it was restarted may be lost


@dataclass(frozen=True, kw_only=True)
class Upload:
    """An upload that is not complete yet."""

    folder: Path
    begun: Begun

    @property
    def id(self) -> str:
        """The name by which a browser continues it."""
        return self.folder.name

    @property
    def reached(self) -> Reached:
        """How much is there; nothing if the machine was restarted since."""
        reached = files.read(self.folder / REACHED, Reached)
        return reached if reached.boot == lock.boot_id() else Reached()


def home(store: Path) -> Path:
    """Return the folder of everything that was uploaded."""
    return store / "data" / "uploads"


def same(store: Path, begun: Begun) -> Upload | None:
    """Return the upload that the same person began with the same files for the same place."""
    wanted = (begun.owner, begun.key, begun.bytes, begun.into, begun.folder)
    for upload in arriving(store):
        old = upload.begun
        if (old.owner, old.key, old.bytes, old.into, old.folder) == wanted:
            return upload
    return None


def begin(store: Path, begun: Begun) -> Upload:
    """Begin an upload; raises DataError or DiskFullError if it is too large."""
    if begun.files > MAX_ENTRIES:
        raise DataError(
            f"{begun.files:,} files are more than the {MAX_ENTRIES:,} of one upload. Put them into "
            "a zip or tar file, or upload them in parts."
        )
    if begun.single and begun.files != 1:
        raise DataError("One file was announced as several. Load the page again.")
    place = home(store) / ".arriving"
    place.mkdir(parents=True, exist_ok=True)
    space.ensure(begun.bytes + KEPT_FREE, place, f"the upload {shown(begun.title)}")
    upload = Upload(folder=place / secrets.token_hex(12), begun=begun)
    try:
        (upload.folder / FILES).mkdir(parents=True)
        keep_reached(upload, 0, 0)
        files.write_json(upload.folder / BEGUN, begun)
    except BaseException:
        removal.discard(upload.folder)
        raise
    return upload


def keep_reached(upload: Upload, size: int, count: int, skipped: int = 0) -> None:
    """Write down how many bytes of an upload are there, and how many of its files have begun."""
    reached = Reached(bytes=size, files=count, skipped=skipped, boot=lock.boot_id())
    files.write_json(upload.folder / REACHED, reached, durable=False)


def find(store: Path, id: str) -> Upload | None:
    """Return an upload that is not complete yet; None if there is no such upload."""
    if not id or not IDS.issuperset(id):
        return None
    folder = home(store) / ".arriving" / id
    begun = files.read_if_there(folder / BEGUN, Begun)
    return Upload(folder=folder, begun=begun) if begun else None


def arriving(store: Path) -> list[Upload]:
    """Return the uploads that are not complete yet, the oldest first."""
    found = [find(store, path.parent.name) for path in home(store).glob(f".arriving/*/{BEGUN}")]
    return sorted(filter(None, found), key=lambda upload: upload.begun.at)


def discard(upload: Upload) -> None:
    """Delete what has arrived of an upload."""
    with only_one(upload):
        removal.discard(upload.folder)


@contextmanager
def only_one(upload: Upload) -> Iterator[None]:
    """Keep an upload for oneself in a `with` block; BusyError if another tab is sending it."""
    try:
        held = lock.take(upload.folder / LOCK, wait=False)
    except FileNotFoundError as error:
        raise DataError(
            f"{shown(upload.begun.title)} is complete, or was discarded. Load the page again."
        ) from error
    if held is None:
        raise BusyError(
            f"{shown(upload.begun.title)} is being uploaded in another tab or window. Continue "
            "there, or close it and try again."
        )
    try:
        yield
    finally:
        os.close(held)


class Piece:
    """Writes a piece to the disk while it arrives; call `close` at its end, complete or not."""

    def __init__(self, upload: Upload) -> None:
        space.ensure(KEPT_FREE, upload.folder, "the next piece of the upload")
        self.upload = upload
        self.at = upload.reached.bytes  # where the next byte belongs
        self._begun, self._skipped = upload.reached.files, upload.reached.skipped
        self._head = bytearray()
        self._parts: Iterator[tuple[str, int, int]] | None = None
        self._file = -1  # descriptor of the file that is being written, if any
        self._left = 0  # bytes of it that this piece still has
        self._made: set[Path] = set()

    def write(self, data: bytes) -> None:
        """Write the next bytes of the piece; DataError for a piece that is not valid."""
        if self._parts is None:
            self._head += data
            data = self._read_head()
        view = memoryview(data)
        while view:
            if not self._left and not self._advance():
                raise DataError("The piece has more bytes than its parts. Upload it again.")
            now = view[: self._left]
            if self._file >= 0:
                write_all(self._file, now)
            else:
                self._skipped += len(now)
            self._left -= len(now)
            self.at += len(now)
            view = view[len(now) :]
        if self._parts is not None and not self._left:
            self._advance()

    def close(self) -> int:
        """Write down how much has arrived, and return it in bytes."""
        self._close_file()
        keep_reached(self.upload, self.at, self._begun, self._skipped)
        return self.at

    def _read_head(self) -> bytes:
        """Read the head once it is complete; return the bytes that follow it."""
        if len(self._head) < 4:
            return b""
        (length,) = struct.unpack_from("<I", self._head)
        if length > HEAD_BYTES:
            raise DataError("The piece has too many names. Load the page again, and continue.")
        if len(self._head) < 4 + length:
            return b""
        self._parts = iter(self._checked(bytes(self._head[4 : 4 + length])))
        rest = bytes(self._head[4 + length :])
        self._head.clear()
        return rest

    def _checked(self, head: bytes) -> list[tuple[str, int, int]]:
        """Return the parts of the piece: safe name, bytes, and offset in the file."""
        try:
            parts = json.loads(head)
        except (ValueError, RecursionError):
            parts = None
        if not is_a(parts, list[tuple[str, Whole, Whole]]):
            raise DataError("The piece is not valid. Load the page again, and continue.")
        size, begun = sum(part[1] for part in parts), self.upload.begun
        if size > PIECE_BYTES or self.at + size > begun.bytes:
            raise DataError(
                "More bytes arrive than were announced. Have the files changed? Discard this "
                "upload and begin again."
            )
        if self._begun + len(parts) > MAX_ENTRIES + 1:
            raise DataError(f"An upload has at most {MAX_ENTRIES:,} files.")
        paths = [names.kept_path(name) for name, _, _ in parts]
        if begun.single and any("/" in (path or "") for path in paths):
            raise DataError("A folder arrives instead of one file. Load the page again.")
        odd = [part[0] for part, path in zip(parts, paths, strict=True) if path is None]
        left_out.note(self.upload.folder, odd)
        return [(path or "", part[1], part[2]) for part, path in zip(parts, paths, strict=True)]

    def _advance(self) -> bool:
        """Open the next file that has bytes; False if there is none. Empty files are made."""
        while self._parts is not None:
            self._close_file()
            part = next(self._parts, None)
            if part is None:
                return False
            name, self._left, offset = part
            if name:
                self._file = self._open(self.upload.folder / FILES / name, offset)
            if not offset:
                self._begun += 1
            if self._left:
                return True
        return False

    def _open(self, path: Path, offset: int) -> int:
        """Open a file of the upload for writing at an offset."""
        new = 0 if offset else os.O_TRUNC
        try:
            if path.parent not in self._made:
                path.parent.mkdir(parents=True, exist_ok=True)
                self._made.add(path.parent)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | new, 0o644)
        except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
            raise DataError(
                f"A name on the way to '{shown(path.name)}' is a file's and also a folder's. "
                "Rename one of them, discard this upload and begin again."
            ) from error
        if os.fstat(descriptor).st_size < offset:
            os.close(descriptor)
            raise DataError(
                f"The beginning of '{shown(path.name)}' is missing. Discard this upload and begin "
                "again."
            )
        os.lseek(descriptor, offset, os.SEEK_SET)
        return descriptor

    def _close_file(self) -> None:
        """Close the file that is being written, if any."""
        if self._file >= 0:
            os.close(self._file)
        self._file = -1


def write_all(descriptor: int, data: memoryview) -> None:
    """Write all bytes, however few the system takes at once."""
    while data:
        data = data[os.write(descriptor, data) :]


def changed_at(upload: Upload) -> float:
    """Return when a piece of an upload arrived last, in unix seconds."""
    return files.stamp(upload.folder / REACHED) / 1e9 or time.time()
