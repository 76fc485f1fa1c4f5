"""gpu.jsonl: memory, utilization, temperature and power of an attempt's GPU, second by second.

Every second of the first hour has a row; later ones share a row with the seconds around them, more
and more of them: ROWS for the first hour and again for each time that the attempt's age grows by
a factor of e, 22,000 in a week.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import fmean

from msgspec import Struct

from cifar_core.disk import files
from cifar_core.disk.checks import Moment, Number, as_type, is_a
from cifar_core.runs.record import metrics

ROWS = 3600


class Usage(Struct, frozen=True, kw_only=True):
    """How a GPU was used over a time. None: not known, as on some GPUs.

    It includes what other programs do on it.
    """

    t: Moment = 0.0  # unix seconds, at the end of that time
    memory_used: Number | None = None  # bytes, the most
    memory_total: Number | None = None  # bytes
    utilization: Number | None = None  # percent of the time in which it computed, mean
    temperature: Number | None = None  # degrees Celsius, the highest
    power: Number | None = None  # watts, mean

    @property
    def is_empty(self) -> bool:
        """Whether nothing is known."""
        known = (self.memory_used, self.utilization, self.temperature, self.power)
        return all(value is None for value in known)


def path_of(folder: Path, attempt: int) -> Path:
    """Return the file of an attempt, in a run's folder."""
    return metrics.attempt_folder(folder, attempt) / "gpu.jsonl"


def read(path: Path, start: int = 0) -> tuple[list[Usage], int]:
    """Return the rows of a file from a byte offset on, and the offset to continue at."""
    rows, end = files.read_lines(path, start)
    return [as_type(row, Usage) for row in rows if is_a(row, Usage)], end


def seconds_of_a_row(age: float) -> float:
    """Return how many seconds a row covers, by the attempt's age in seconds."""
    return max(1.0, age / ROWS)


def together(rows: Sequence[Usage]) -> Usage:
    """Return one row for several, which are in the order of time."""

    def over(name: str, how: Callable[[Iterable[float]], float]) -> float | None:
        known = [value for row in rows if (value := getattr(row, name)) is not None]
        return how(known) if known else None

    return Usage(
        t=rows[-1].t,
        memory_used=over("memory_used", max),
        memory_total=over("memory_total", max),
        utilization=over("utilization", fmean),
        temperature=over("temperature", max),
        power=over("power", fmean),
    )
