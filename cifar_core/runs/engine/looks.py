"""When the files of a live attempt are due to be read again, for two calls of stat a round.

Files of an attempt are only ever replaced by renaming, which changes the time of their folder.
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path

LONGEST_SECONDS = 10.0  # between two readings, whatever the times say
# a change as late as this may be followed by another one in the same tick of the clock
FRESH_SECONDS = 2.0


@dataclass(kw_only=True)
class Look:
    """The last time that the files of a live attempt were read."""

    is_due: bool = True  # whether something else than the files says that they have to be read
    seen: tuple[int, ...] = ()  # times and inodes of the attempt's folder and of control.json
    again_at: float = 0.0  # on this process's own clock

    def now(self, folder: Path, control: Path) -> bool:
        """Return True if the files are to be read now, and count them as read."""
        stamps = (*stamp(folder), *stamp(control))
        clock = time.monotonic()
        if stamps == self.seen and clock < self.again_at and not self.is_due:
            return False
        is_fresh = time.time_ns() - max(stamps[0], stamps[2]) < FRESH_SECONDS * 1e9
        self.seen = () if is_fresh else stamps
        self.again_at, self.is_due = clock + LONGEST_SECONDS, False
        return True


def stamp(path: Path) -> tuple[int, int]:
    """Return when a file or folder changed, in nanoseconds, and its inode; zeros if unknown."""
    try:
        found = os.stat(path)  # noqa: PTH116 - a third of the time
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_ino
