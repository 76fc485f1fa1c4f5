"""When the executor goes through all runs of its store without having been asked to.

A scan costs a look at each run's folder. While nothing trains or waits, scans are as rare as they
are expensive; a new folder is seen within a second, and a request at once.
"""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SCAN_SECONDS = 10.0  # between two scans
RESTING_SHARE = 0.001  # of a core, which scans may take while nothing trains or waits
LONGEST_SECONDS = 120.0  # between two scans, however expensive they are


class ScanTimes:
    """Says when a scan is due."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder  # of the runs
        self.at = -math.inf  # when the last scan began, in monotonic seconds
        self.took = 0.0  # its CPU seconds
        self.changed = 0  # when the folder had changed by then, in nanoseconds

    def is_due(self, *, resting: bool) -> bool:
        """Whether to scan now; `resting` if nothing trains or waits."""
        stretched = min(LONGEST_SECONDS, self.took / RESTING_SHARE) if resting else 0.0
        is_over = time.monotonic() - self.at > max(SCAN_SECONDS, stretched)
        return is_over or self.changed_at() != self.changed

    def hurry(self) -> None:
        """Have a scan at once, as when a device has become free."""
        self.at = -math.inf

    @contextmanager
    def scanning(self) -> Iterator[None]:
        """Note when a scan, which is the `with` block, begins and what it costs."""
        self.at, self.changed = time.monotonic(), self.changed_at()
        began = time.process_time()
        yield
        self.took = time.process_time() - began

    def changed_at(self) -> int:
        """Return when a run was last added or removed, in nanoseconds; 0 without a folder."""
        try:
            return self.folder.stat().st_mtime_ns
        except FileNotFoundError:
            return 0
