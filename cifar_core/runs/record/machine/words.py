"""How a run uses its machine, in a few words: "CPU 94 %, 1.2 GB; GPU 61 %, 8.1 of 12.0 GB, 71 °C".

The share of the CPU is of the cores that the run may use.
"""

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from cifar_core.devices.use.gpu_use import GPUUse
from cifar_core.numbers import NARROW
from cifar_core.runs.record.machine.history import MachineHistory
from cifar_core.runs.record.machine.overall import overall
from cifar_core.runs.record.machine.rows import MachineRow, latest
from cifar_core.runs.record.status import RunStatus

GB = 1e9


def use_in_words(folder: Path, status: RunStatus) -> str:
    """Return how a run uses its machine now, or has used it on the whole; empty if not known."""
    if status.is_live and (row := latest(folder, status.attempt)):
        return in_words(row)
    return on_the_whole(overall(MachineHistory(folder).poll()))


def on_the_whole(row: MachineRow) -> str:
    """Return the use in a row for a whole training, and what its figures are; else nothing."""
    heat = " and temperature" if known(row.gpus, "temperature") else ""
    return f"{words} (mean load, highest memory{heat})" if (words := in_words(row)) else ""


def in_words(row: MachineRow) -> str:
    """Return the use of the CPU and of the GPUs by a run; empty if nothing is known."""
    return "; ".join(filter(None, [cpu_words(row), gpu_words(row.gpus)]))


def cpu_words(row: MachineRow) -> str:
    """Return the share of its cores that a run keeps busy, and its memory."""
    parts = []
    if row.cpu is not None and row.cpu_allowed:
        parts.append(f"CPU {share(row.cpu / row.cpu_allowed)}")
    if row.memory is not None:
        parts.append(gigabytes(row.memory) + ("" if parts else " of memory"))
    return ", ".join(parts)


def gpu_words(gpus: Sequence[GPUUse]) -> str:
    """Return the mean use of the GPUs, their memory in all and the highest temperature."""
    parts = []
    if computed := known(gpus, "utilization"):
        parts.append(f"{fmean(computed):.0f}{NARROW}%")
    if (held := known(gpus, "memory_used")) and (total := known(gpus, "memory_total")):
        parts.append(f"{sum(held) / GB:.1f} of {gigabytes(sum(total))}")
    if degrees := known(gpus, "temperature"):
        parts.append(f"{max(degrees):.0f}{NARROW}°C")
    name = f"{len(gpus)} GPUs" if gpus[1:] else "GPU"
    return f"{name} {', '.join(parts)}" if parts else ""


def known(gpus: Sequence[GPUUse], name: str) -> list[float]:
    """Return one figure of each GPU that gives it."""
    return [value for gpu in gpus if (value := getattr(gpu, name)) is not None]


def machine_words(row: MachineRow) -> str:
    """Return the use of the whole machine by all programs; empty if it is not known."""
    parts = []
    if row.cpu_busy is not None and row.cpu_all:
        parts.append(f"{row.cpu_busy:.1f} of {row.cpu_all:.0f} cores busy")
    if row.memory_used is not None and row.memory_limit:
        parts.append(memory_words(row.memory_used, row.memory_limit))
    return ", ".join(parts)


def memory_words(used: float, limit: float) -> str:
    """Return how much memory is in use, of how much."""
    return f"{used / GB:.1f} of {gigabytes(limit)} of memory in use"


def share(value: float) -> str:
    """Write a share as whole percent."""
    return f"{100 * value:.0f}{NARROW}%"


def gigabytes(count: float) -> str:
    """Write bytes in units of a thousand million."""
    return f"{count / GB:.1f}{NARROW}GB"
