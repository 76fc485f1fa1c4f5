"""The limits of this process's control groups (Linux), such as those of a container."""

from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")


def groups(kind: str = "memory") -> list[Path]:
    """Return the folders that hold the limits of this process's control groups, its own first."""
    try:
        lines = MEMBERSHIP.read_text("utf-8").splitlines()
    except OSError:
        return []
    folders = []
    for line in lines:
        _, kinds, path = line.split(":", 2)
        if not kinds or kind in kinds.split(","):
            top = ROOT / kind if kinds else ROOT
            own = top / path.lstrip("/")
            folders += [own, *(up for up in own.parents if up.is_relative_to(top))]
    return folders


def memory(folder: Path) -> tuple[int, int] | None:
    """Return the bytes that a group uses and those that it may use; None without a limit.

    Pages of files that the kernel can take back count as free.
    """
    for limit, usage, reclaimable in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        try:
            most = int((folder / limit).read_text("ascii"))
            used = int((folder / usage).read_text("ascii"))
        except (OSError, ValueError):  # there is no such file, or it says "max"
            continue
        return used - fields(folder / "memory.stat").get(reclaimable, 0), most
    return None


def cores(folder: Path) -> float | None:
    """Return how many cores' time a group may use; None without a limit."""
    try:
        if (both := folder / "cpu.max").exists():
            quota, period = both.read_text("ascii").split()
        else:
            quota = (folder / "cpu.cfs_quota_us").read_text("ascii")
            period = (folder / "cpu.cfs_period_us").read_text("ascii")
        return int(quota) / int(period) if int(quota) > 0 else None
    except (OSError, ValueError):  # there is no such file, or it says "max"
        return None


def fields(path: Path) -> dict[str, int]:
    """Return the numbers of a kernel file of lines such as "name 123"; empty if there is none."""
    try:
        lines = path.read_text("ascii").splitlines()
    except OSError:
        return {}
    pairs = [words for line in lines if len(words := line.split()) > 1]
    return {words[0]: int(words[1]) for words in pairs if words[1].isdecimal()}
