"""machine.jsonl: cores, memory, GPUs and disk while an attempt was under way, second by second.

Every second of the first hour has a row; later ones share a row with the seconds around them, more
and more of them: ROWS for the first hour and again for each time that the attempt's age grows by
a factor of e, 27,000 in a month. No file exceeds MOST_BYTES, whatever its rows say.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import fmean
from typing import TypeVar

from msgspec import Struct

from cifar_core.devices.use.gpu_use import GPUUse
from cifar_core.disk import files
from cifar_core.disk.checks import Moment, Number, as_type
from cifar_core.runs.record import metrics

ROWS = 3600
MOST_BYTES = 16_000_000
MOST_GPUS = 64
Used = TypeVar("Used", bound=Struct)


class MachineRow(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the machine was used over a time. None: not known, as on some systems."""

    t: Moment = 0.0  # unix seconds, at the end of that time
    seconds: Number = 1.0  # its length
    cpu: Number | None = None  # cores that the run's processes kept busy, mean
    cpu_allowed: Number | None = None  # cores that they may use
    cpu_busy: Number | None = None  # cores of the machine that were busy, mean
    cpu_all: Number | None = None  # cores of the machine
    memory: Number | None = None  # bytes that the run's processes held, the most
    memory_used: Number | None = None  # bytes in use on the machine or in the group, the most
    memory_limit: Number | None = None  # bytes that the machine has, or its control group allows
    swapped: Number | None = None  # bytes a second between memory and disk, mean
    disk_free: Number | None = None  # bytes on the disk of the store, the least
    gpus: list[GPUUse] = []  # those that the run uses

    @property
    def is_empty(self) -> bool:
        """Whether nothing is known."""
        known = (self.cpu, self.cpu_busy, self.memory, self.memory_used, self.disk_free)
        return all(value is None for value in known) and not self.gpus


class OldRow(Struct, frozen=True, kw_only=True):
    """A row of gpu.jsonl, which earlier versions wrote of the one GPU of an attempt."""

    t: Moment = 0.0
    memory_used: Number | None = None
    memory_total: Number | None = None
    utilization: Number | None = None
    temperature: Number | None = None
    power: Number | None = None


OLD_NAME = "gpu.jsonl"
OF_OLD = ("memory_used", "memory_total", "utilization", "temperature", "power")
MEANS = frozenset({"cpu", "cpu_busy", "swapped", "utilization", "power", "clock", "hot", "capped"})
LEAST = frozenset({"disk_free"})


def path_of(folder: Path, attempt: int) -> Path:
    """Return the file of an attempt, in a run's folder."""
    return metrics.attempt_folder(folder, attempt) / "machine.jsonl"


def file_of(folder: Path, attempt: int) -> Path:
    """Return the file that an attempt of this or an earlier version has written."""
    old = metrics.attempt_folder(folder, attempt) / OLD_NAME
    path = path_of(folder, attempt)
    return old if old.exists() and not path.exists() else path


def read(path: Path, start: int = 0, device: str = "") -> tuple[list[MachineRow], int]:
    """Return the rows of a file from a byte offset on, and the offset to continue at.

    `device` is that of the attempt, which files of earlier versions do not name.
    """
    lines, end = files.read_lines(path, start)
    if path.name == OLD_NAME:
        old = [before for line in lines if (before := row_of(line, OldRow))]
        return as_today(old, device), end
    return [row for line in lines if (row := row_of(line, MachineRow))], end


def as_today(old: Sequence[OldRow], device: str) -> list[MachineRow]:
    """Return rows of an earlier version as today's; each reaches back to the one before it."""
    before = [row.t - 1 for row in old[:1]] + [row.t for row in old[:-1]]
    return [
        MachineRow(
            t=row.t,
            seconds=max(1.0, row.t - since),
            gpus=[GPUUse(device=device, **{name: getattr(row, name) for name in OF_OLD})],
        )
        for row, since in zip(old, before, strict=True)
    ]


def row_of(line: object, kind: type[Used]) -> Used | None:
    """Return a line as a row; None if it is damaged or has too many GPUs to be one."""
    try:
        row = as_type(line, kind)
    except ValueError:
        return None
    return None if len(getattr(row, "gpus", ())) > MOST_GPUS else row


def latest(folder: Path, attempt: int) -> MachineRow | None:
    """Return the last row of an attempt, without reading those before it."""
    lines = files.last_lines(path_of(folder, attempt), 2, longest=32_768).splitlines()
    found = [files.parsed(line.encode(), lambda _: False) for line in lines]  # the last may be cut
    rows = [row for line in found if line and (row := row_of(line, MachineRow))]
    return rows[-1] if rows else None


def seconds_of_a_row(age: float, written: int = 0, of_one: int = 1) -> float:
    """Return how many seconds a row covers, by the attempt's age in seconds.

    `written` bytes of rows of `of_one` bytes each are in the file. The bytes up to MOST_BYTES
    must last until the attempt is twice as old, and then again.
    """
    left = (MOST_BYTES - written) / of_one
    return max(1.0, age / ROWS, age / left if left >= 1 else float("inf"))


def together(rows: Sequence[MachineRow]) -> MachineRow:
    """Return one row for several, which are in the order of time."""
    devices = list(dict.fromkeys(gpu.device for row in rows for gpu in row.gpus))
    gpus = [[gpu for row in rows for gpu in row.gpus if gpu.device == name] for name in devices]
    return merged(
        rows,
        t=rows[-1].t,
        seconds=sum(row.seconds for row in rows),
        gpus=[merged(uses, device=uses[0].device) for uses in gpus],
    )


def mean(values: Iterable[float]) -> float:
    """Return the mean, with as many digits as rows keep."""
    return round(fmean(values), 3)


def merged(rows: Sequence[Used], **given: object) -> Used:
    """Return a row whose figures are those of several: means, the least, or the most."""

    def over(name: str, how: Callable[[Iterable[float]], float]) -> float | None:
        known = [value for row in rows if (value := getattr(row, name)) is not None]
        return how(known) if known else None

    figures = {
        name: over(name, mean if name in MEANS else min if name in LEAST else max)
        for name in rows[0].__struct_fields__
        if name not in given
    }
    return type(rows[0])(**figures, **given)
