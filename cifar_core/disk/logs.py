"""Keeps logs short: of one that has grown too long, the beginning and the end stay."""

import os
from pathlib import Path

LONGEST = 8_000_000  # bytes of a log before its middle is left out
KEPT = 1_000_000  # bytes that stay of the beginning, and of the end


def excess(path: Path) -> int:
    """Return how many bytes `bound` would leave out; 0 if the log is short or missing."""
    try:
        size = path.stat().st_size
    except OSError:
        return 0
    return size - 2 * KEPT if size > LONGEST else 0


def bound(path: Path) -> int:
    """Leave out the middle of a log that is too long; return how many bytes that were.

    Whoever prints into it may go on: logs are opened for appending, so that what comes next goes
    behind the end that was kept. What is printed during these milliseconds may be left out too.
    """
    left_out = excess(path)
    if not left_out:
        return 0
    with path.open("r+b") as file:
        file.seek(-KEPT, os.SEEK_END)
        end = file.read(KEPT).partition(b"\n")[2]
        file.truncate(KEPT)
    words = f"\n\n({left_out:,} bytes of this log were left out here.)\n\n"
    with path.open("ab", buffering=0) as file:
        file.write(words.encode() + end)
    return left_out
