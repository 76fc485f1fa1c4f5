"""How small files are written and read, so that no reader ever sees half of one."""

import codecs
import hashlib
import json
import math
import os
import re
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from cifar_core.disk import space
from cifar_core.disk.checks import as_type

T = TypeVar("T")
Check = Callable[[Mapping[str, Any]], bool]

# every file written here ends with a checksum, since JSON with a flipped bit may still be valid
CHECK = "check"
END = re.compile(r',?\n "(.{5})": "([0-9a-f]{8})"\n\}\n')
LINE_END = b',"check":"%08x"}'
MOST_BYTES = 5_000_000  # of a small file; each byte of hostile JSON takes about twenty in memory
LONGEST_LINE = 1_000_000  # bytes of a row


def write_atomic(path: Path, text: str, *, durable: bool = True) -> None:
    """Replace a file in one move: a reader sees the old text or the new, never a part.

    With `durable` it also survives a power cut; leave that out for files rewritten every second.
    """
    with (
        replacing(path) as draft,
        space.needed(len(text), path.parent),
        draft.open("w", encoding="utf-8") as file,
    ):
        file.write(text)
        if durable:
            file.flush()
            os.fsync(file.fileno())
    if durable:
        sync_folder(path.parent)


@contextmanager
def replacing(path: Path, ending: str = ".tmp") -> Iterator[Path]:
    """Yield the path of a draft, which replaces the file if the `with` block succeeds."""
    draft = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}{ending}")
    try:
        yield draft
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def write_json(
    path: Path, values: Mapping[str, Any] | msgspec.Struct, *, durable: bool = True
) -> None:
    """Replace a JSON file in one move, indented for people and with a checksum.

    Entries of a record that are None are left out.
    """
    plain = values if isinstance(values, Mapping) else plain_of(values)
    write_atomic(path, as_text(plain), durable=durable)


def edit(path: Path, record: type[T], change: Callable[[T], Mapping[str, Any]]) -> None:
    """Change entries of a JSON file; all others stay as they are, whatever the record says of them.

    `change` gets the record that readers see: of defaults if an entry is not of its type.
    """
    write_json(path, {**read_json(path), **change(read(path, record))})


def plain_of(record: msgspec.Struct) -> dict[str, Any]:
    """Return a record as plain values, without those that are None."""
    values: dict[str, Any] = msgspec.to_builtins(record)
    return {name: value for name, value in values.items() if value is not None}


def as_text(values: Mapping[str, Any]) -> str:
    """Return values as JSON whose last entry is a checksum over the text before it."""
    plain = finite(values)
    head = json.dumps(plain, indent=1)[:-1].rstrip()
    return f'{head}{"," if plain else ""}\n "{CHECK}": "{crc(head)}"\n}}\n'


def read(path: Path, record: type[T]) -> T:
    """Return the record in a JSON file; one of defaults if it is missing, empty or damaged."""
    return read_if_there(path, record) or record()


def read_if_there(path: Path, record: type[T]) -> T | None:
    """Return the record in a JSON file; None if it is missing, empty or damaged."""
    try:
        values = sound(path)
        return as_type(values, record) if values else None
    except (OSError, ValueError):
        return None


def read_json(path: Path, record: Any = dict) -> dict[str, Any]:
    """Return the object in a JSON file; one that is missing or damaged reads as empty."""
    try:
        return sound(path, record)
    except (OSError, ValueError):
        return {}


def sound(path: Path, record: Any = dict) -> dict[str, Any]:
    """Return the object in a JSON file; ValueError if it is damaged or another record."""
    with path.open("rb") as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise ValueError(f"It has more than {MOST_BYTES:,} bytes.")
    values = unchecked(data.decode())
    as_type(values, record)
    return values


def unchecked(text: str) -> dict[str, Any]:
    """Return the object in a JSON text without its checksum; ValueError if it is damaged.

    Texts without a checksum, written by hand or by earlier versions, are accepted as they are.
    """
    try:
        values = json.loads(text)
    except RecursionError as error:
        raise ValueError("It is nested too deeply.") from error
    if not isinstance(values, dict):
        raise ValueError("It is not a JSON object.")  # noqa: TRY004 - one type of error for all
    end = END.search(text, max(0, len(text) - 32))
    if end or CHECK in values:  # either of the two may be damaged
        head = text[: end.start()] if end else ""
        if not end or end.end() != len(text) or values.pop(CHECK, "") != crc(head):
            raise ValueError("Its checksum differs.")
    return values


def crc(text: str) -> str:
    """Return the checksum of a text in hexadecimal."""
    return f"{zlib.crc32(text.encode()):08x}"


def finite(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values without the numbers that are NaN or infinite, which JSON cannot hold."""
    return {
        key: finite(value) if isinstance(value, Mapping) else value
        for key, value in values.items()
        if not (isinstance(value, float) and not math.isfinite(value))
    }


def append_line(path: Path, values: Mapping[str, Any]) -> None:
    """Append one JSON line in a single write."""
    line = line_of(values)
    with space.needed(len(line), path.parent, "a line"), path.open("ab", buffering=0) as file:
        file.write(line)


def line_of(values: Mapping[str, Any]) -> bytes:
    """Return values as a JSON line that ends with a checksum over the text before it."""
    head = json.dumps(finite(values), separators=(",", ":"))[:-1].encode()
    return head + LINE_END % zlib.crc32(head) + b"\n"


def read_lines(
    path: Path, start: int = 0, end: int | None = None, *, like: Check = lambda _: True
) -> tuple[list[Any], int]:
    """Return the complete JSON lines between two byte offsets, and the offset to continue at.

    A last line without its newline is still being written and waits for the next call. A damaged
    line is skipped; so is one without a checksum that `like` does not accept.
    """
    try:
        with path.open("rb") as file:
            file.seek(start)
            data = file.read() if end is None else file.read(max(0, end - start))
    except FileNotFoundError:
        return [], start
    complete = data[: data.rfind(b"\n") + 1]
    rows = [row for line in complete.splitlines() if (row := parsed(line, like))]
    return rows, start + len(complete)


def parsed(line: bytes, like: Check) -> Any:
    """Return the line's object; None if it is damaged or not an object."""
    if len(line) > LONGEST_LINE:
        return None
    head, mark, end = line.rpartition(LINE_END[:10])
    if not mark:  # written by an earlier version, or by hand
        head, end = line[:-1], line[-1:]
    elif mark + end != LINE_END % zlib.crc32(head):
        return None
    try:
        row = json.loads(head + end[-1:])
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) and (mark or like(row)) else None


def damaged_lines(path: Path, *, whole: bool, like: Check) -> tuple[int, int]:
    """Return how many bytes a file of rows has, and how many of its lines are damaged.

    The last line of a `whole` file must be complete; else it may have been cut off by a kill, but
    must begin as a row does.
    """
    try:
        data = path.read_bytes()
    except OSError:
        return 0, 0
    *lines, rest = data.split(b"\n")
    marked = any(LINE_END[:10] in line for line in lines)
    bad = sum(
        parsed(line, like) is None or (marked and LINE_END[:10] not in line) for line in lines
    )
    return len(data), bad + (bool(rest) and (whole or not may_be_cut(rest)))


def may_be_cut(line: bytes) -> bool:
    """Return True if a line may be the beginning of a row."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(line)
    except UnicodeDecodeError:
        return False
    return line.startswith(b"{") and b"\0" not in line


def last_lines(path: Path, lines: int, *, longest: int = 512 * 1024) -> str:
    """Return the last lines of a text file, reading at most `longest` bytes of it."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - longest))
            text = file.read().decode("utf-8", errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


def stamp(path: Path) -> int:
    """Return when a file was last changed, in nanoseconds; 0 if there is no such file."""
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def is_there(path: Path) -> bool:
    """Return whether a file or folder exists; False too where the system cannot say."""
    try:
        return path.exists()
    except (OSError, ValueError):  # not permitted, too long, or with a NUL
        return False


def sha256_of(path: Path) -> str:
    """Return the checksum of a file of any size, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync_file(path: Path) -> None:
    """Wait until a file's bytes are on the disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    """Wait until the names in a folder are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
