"""How run files are written and read, so that no reader ever sees half of anything."""

import json
import math
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def write_atomic(path: Path, text: str, *, durable: bool = True) -> None:
    """Replace a file in one move: a reader sees the old text or the new, never a part.

    `durable` also survives a power cut; leave it out for what is rewritten every second.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    try:
        with draft.open("w", encoding="utf-8") as file:
            file.write(text)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    if durable:
        sync_folder(path.parent)


def write_json(path: Path, values: Mapping[str, Any], *, durable: bool = True) -> None:
    """Replace a JSON file in one move, indented for people."""
    write_atomic(path, as_text(values), durable=durable)


def as_text(values: Mapping[str, Any]) -> str:
    """Write an object as JSON, indented for people."""
    return json.dumps(finite(values), indent=1) + "\n"


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file; one that is missing or damaged reads as empty."""
    try:
        values = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}


def finite(values: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out numbers that are NaN or infinite, which JSON cannot hold."""
    return {
        key: finite(value) if isinstance(value, Mapping) else value
        for key, value in values.items()
        if not (isinstance(value, float) and not math.isfinite(value))
    }


def append_line(path: Path, values: Mapping[str, Any]) -> None:
    """Add one JSON line in a single write."""
    line = json.dumps(finite(values), separators=(",", ":")) + "\n"
    with path.open("ab", buffering=0) as file:
        file.write(line.encode())


def read_lines(path: Path, start: int = 0, end: int | None = None) -> tuple[list[Any], int]:
    """Return the complete JSON lines between two byte offsets, and where to go on reading.

    A last line without its newline is still being written and waits for the next call. A line
    that a power cut has damaged is passed over.
    """
    try:
        with path.open("rb") as file:
            file.seek(start)
            data = file.read() if end is None else file.read(max(0, end - start))
    except FileNotFoundError:
        return [], start
    complete = data[: data.rfind(b"\n") + 1]
    return [row for line in complete.splitlines() if (row := parsed(line))], start + len(complete)


def parsed(line: bytes) -> Any:
    """Return the line's value, or None if it is no JSON."""
    try:
        return json.loads(line)
    except ValueError:
        return None


def last_lines(path: Path, lines: int, *, longest: int = 512 * 1024) -> str:
    """Return the end of a text file, looking at no more than `longest` bytes of it."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - longest))
            text = file.read().decode("utf-8", errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


def sync_file(path: Path) -> None:
    """Wait until the file's bytes are on the disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    """Wait until the names in a folder are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
