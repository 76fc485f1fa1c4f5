"""How much memory this process uses, and how much more it may take without harming others."""

import resource
import sys
from pathlib import Path

from cifar_core.devices.use import control_groups
from cifar_core.devices.use.control_groups import fields, groups

KEEP_FREE = 0.2  # share of the available memory: for checkpoints, evaluation and other programs
KEEP_MEGABYTES = 512.0
UNKNOWN = 2048.0  # megabytes assumed to be available where the system does not say


def peak_megabytes() -> float:
    """Return the most main memory that this process has used so far."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1e6 if sys.platform == "darwin" else 1e3)


def limit_megabytes() -> float:
    """Return how large this process may become, in megabytes."""
    available = available_megabytes()
    spare = min(available * (1 - KEEP_FREE), available - KEEP_MEGABYTES)
    return peak_megabytes() + max(0.0, min(spare, own_megabytes() * (1 - KEEP_FREE)))


def available_megabytes() -> float:
    """Return what the machine and this process's control groups can give without swapping."""
    values = fields(Path("/proc/meminfo"))
    machine = values.get("MemAvailable:", UNKNOWN * 1e3) / 1e3  # from units of 1,024 bytes
    return min([machine, *(group_megabytes(folder) for folder in groups())])


def own_megabytes() -> float:
    """Return what the limit of this process itself (`ulimit -d`) leaves."""
    limit, _ = resource.getrlimit(resource.RLIMIT_DATA)
    if limit == resource.RLIM_INFINITY:
        return float("inf")
    used = fields(Path("/proc/self/status")).get("VmData:", 0) * 1024
    return max(0.0, (limit - used) / 1e6)


def group_megabytes(folder: Path) -> float:
    """Return what a control group leaves, its reclaimable file pages counted as free."""
    found = control_groups.memory(folder)
    return max(0.0, (found[1] - found[0]) / 1e6) if found else float("inf")


def forbid_more_than(megabytes: float) -> None:
    """Have the kernel refuse memory beyond a limit instead of swapping or ending other programs."""
    data = fields(Path("/proc/self/status")).get("VmData:", 0) / 1e3
    extra = max(0.0, megabytes - peak_megabytes())
    most = int((data + extra) * 1e6)
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if hard == resource.RLIM_INFINITY or most < hard:
        resource.setrlimit(resource.RLIMIT_DATA, (most, hard))
