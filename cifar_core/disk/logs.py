"""Keeps logs short: one that has grown too long keeps only its beginning and its end."""

import os
from pathlib import Path

LONGEST = 8_000_000  # bytes; a longer log loses its middle
KEPT = 1_000_000  # bytes that are kept of the beginning, and of the end


def excess(path: Path) -> int:
    """Return how many bytes `shorten` would remove; 0 if the log is short or missing."""
    try:
        size = path.stat().st_size
    except OSError:
        return 0
    return size - 2 * KEPT if size > LONGEST else 0


def shorten(path: Path) -> int:
    """Remove the middle of a log that is too long; return the number of bytes removed.

    A program may keep printing into it: logs are opened for appending, so its next lines follow
    the end that was kept. Lines printed during these milliseconds may be lost too.
    """
    removed = excess(path)
    if not removed:
        return 0
    with path.open("r+b") as file:
        file.seek(-KEPT, os.SEEK_END)
        end = file.read(KEPT).partition(b"\n")[2]
        file.truncate(KEPT)
    words = f"\n\n({removed:,} bytes of this log were left out here.)\n\n"
    with path.open("ab", buffering=0) as file:
        file.write(words.encode() + end)
    return removed
