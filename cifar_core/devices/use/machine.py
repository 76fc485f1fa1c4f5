"""The machine as a whole: cores, swapping and free disk space."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from cifar_core.devices.cpu import usable_cores
from cifar_core.devices.use import control_groups
from cifar_core.disk import space


def cores_allowed() -> float:
    """Return how many cores' time this process may use: by its affinity and its control groups."""
    limits = map(control_groups.cores, control_groups.groups("cpu"))
    return min([float(usable_cores()), *filter(None, limits)])


def all_cores() -> int:
    """Return how many cores the machine has, those that this process may not use included."""
    return psutil.cpu_count() or usable_cores()


class BusyCores:
    """How many cores of the machine were busy since the last look."""

    def __init__(self) -> None:
        self.before = psutil.cpu_times()

    def since_last(self) -> float | None:
        """Return the cores that were busy, by any program; None if no time has passed."""
        before, self.before = self.before, psutil.cpu_times()
        passed = total(self.before) - total(before)
        rested = idle(self.before) - idle(before)
        return all_cores() * (1 - rested / passed) if passed > 0 else None


def total(times: Any) -> float:
    """Return the seconds of all cores; those of guests are part of others."""
    return sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)


def idle(times: Any) -> float:
    """Return the seconds in which cores had nothing to do, or only waited for a disk."""
    return float(times.idle + getattr(times, "iowait", 0.0))


class Swapping:
    """How many bytes a second the machine swaps."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.before, self.at = swapped(), clock()

    def since_last(self) -> float:
        """Return the bytes a second that moved between memory and disk since the last look."""
        before, at = self.before, self.at
        self.before, self.at = swapped(), self.clock()
        return max(0, self.before - before) / max(1e-3, self.at - at)


def swapped() -> int:
    """Return the bytes that were swapped out and in since the machine started."""
    found = psutil.swap_memory()
    return int(found.sin + found.sout)


def free_disk(folder: Path) -> int:
    """Return the bytes that are free on the disk of a folder."""
    return space.free_bytes(folder)
