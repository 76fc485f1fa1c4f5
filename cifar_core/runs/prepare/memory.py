"""How much memory this process uses, and how much more it may take without harm to others."""

import resource
import sys
from pathlib import Path

KEEP_FREE = 0.2  # of what is available: for checkpoints, evaluation and other programs
KEEP_MEGABYTES = 512.0
UNKNOWN = 2048.0  # megabytes taken for available where the system does not tell


def peak_megabytes() -> float:
    """Return the most main memory that this process has used so far."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1e6 if sys.platform == "darwin" else 1e3)


def limit_megabytes() -> float:
    """Return how large this process may become."""
    found = available_megabytes()
    spare = min(found * (1 - KEEP_FREE), found - KEEP_MEGABYTES)
    return peak_megabytes() + max(0.0, min(spare, own_megabytes() * (1 - KEEP_FREE)))


def available_megabytes() -> float:
    """Return what the machine and this process's control group can still give without swapping."""
    values = fields(Path("/proc/meminfo"))
    machine = values.get("MemAvailable:", UNKNOWN * 1e3) / 1e3  # from units of 1,024 bytes
    return min([machine, *(group_megabytes(folder) for folder in groups())])


def own_megabytes() -> float:
    """Return what the limit of this process itself leaves (`ulimit -d`)."""
    limit, _ = resource.getrlimit(resource.RLIMIT_DATA)
    if limit == resource.RLIM_INFINITY:
        return float("inf")
    used = fields(Path("/proc/self/status")).get("VmData:", 0) * 1024
    return max(0.0, (limit - used) / 1e6)


def groups() -> list[Path]:
    """Return the folders that hold the limits of this process's control groups."""
    try:
        lines = Path("/proc/self/cgroup").read_text("utf-8").splitlines()
    except OSError:
        return []
    root = Path("/sys/fs/cgroup")
    found = []
    for line in lines:
        _, kinds, path = line.split(":", 2)
        if kinds in ("", "memory"):
            top = root / "memory" if kinds else root
            own = top / path.lstrip("/")
            found += [own, *(up for up in own.parents if up.is_relative_to(top))]
    return found


def group_megabytes(folder: Path) -> float:
    """Return what a control group leaves, its reclaimable file pages counted as free."""
    for limit, usage, reclaimable in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        try:
            most = int((folder / limit).read_text("ascii"))
            used = int((folder / usage).read_text("ascii"))
        except (OSError, ValueError):  # no such file, or the word "max"
            continue
        cache = fields(folder / "memory.stat").get(reclaimable, 0)
        return max(0.0, (most - used + cache) / 1e6)
    return float("inf")


def fields(path: Path) -> dict[str, int]:
    """Return the numbers of a kernel file of lines such as "name 123"; empty if there is none."""
    try:
        lines = path.read_text("ascii").splitlines()
    except OSError:
        return {}
    pairs = [words for line in lines if len(words := line.split()) > 1]
    return {words[0]: int(words[1]) for words in pairs if words[1].isdecimal()}


def forbid_more_than(megabytes: float) -> None:
    """Have the kernel refuse memory beyond a limit, rather than swap or end other programs."""
    data = fields(Path("/proc/self/status")).get("VmData:", 0) / 1e3
    extra = max(0.0, megabytes - peak_megabytes())
    most = int((data + extra) * 1e6)
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if hard == resource.RLIM_INFINITY or most < hard:
        resource.setrlimit(resource.RLIMIT_DATA, (most, hard))
