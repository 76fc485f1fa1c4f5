"""The clock by which a file system dates its files: on a network drive that of the file server.

It may differ from this machine's, so an age is the difference of two of its times.
"""

import os
import time
from pathlib import Path

NAME = ".clock"  # touched to ask for the time
LOOK_SECONDS = 60.0  # between two questions
AHEAD: dict[Path, tuple[float, float]] = {}  # when it was asked on the monotonic clock; the answer


def age(path: Path, root: Path) -> float | None:
    """Return how many seconds ago a file below `root` was changed; None if there is none.

    The file is opened, since a network drive checks at an opening whether it has changed.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        changed = os.fstat(descriptor).st_mtime
    finally:
        os.close(descriptor)
    return max(0.0, now(root) - changed)


def now(root: Path) -> float:
    """Return the time, in unix seconds, at which a file below `root` would be dated now."""
    asked, ahead = AHEAD.get(root, (-LOOK_SECONDS, 0.0))
    if time.monotonic() - asked >= LOOK_SECONDS:
        ahead = seconds_ahead(root)
        AHEAD[root] = time.monotonic(), ahead
    return time.time() + ahead


def seconds_ahead(root: Path) -> float:
    """Return how far that clock is ahead of this machine's; 0 where nothing can be written."""
    path = root / NAME
    try:
        path.touch()  # without a time of its own, so that the server gives one
        return path.stat().st_mtime - time.time()
    except OSError:
        return 0.0
