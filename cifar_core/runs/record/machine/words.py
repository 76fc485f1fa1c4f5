"""How a run uses its machine, in a few words: "CPU 94 %, 1.2 GB; GPU 61 %, 8.1 of 12.0 GB, 71 °C".

The share of the CPU is of the cores that the run may use.
"""

from collections.abc import Sequence
from pathlib import Path

from cifar_core.devices.use.gpu_use import GPUUse
from cifar_core.numbers import NARROW
from cifar_core.runs.record.machine.history import MachineHistory
from cifar_core.runs.record.machine.overall import overall
from cifar_core.runs.record.machine.rows import MachineRow, latest
from cifar_core.runs.record.status import RunStatus

GB = 1e9
ON_THE_WHOLE = "means, and peaks of memory and temperature"


def use_in_words(folder: Path, status: RunStatus) -> str:
    """Return how a run uses its machine now, or has used it on the whole; empty if not known."""
    if status.is_live and (row := latest(folder, status.attempt)):
        return in_words(row)
    words = in_words(overall(MachineHistory(folder).poll()))
    return f"{words} ({ON_THE_WHOLE})" if words else ""


def in_words(row: MachineRow) -> str:
    """Return the use of the CPU and of each GPU by a run; empty if nothing is known."""
    return "; ".join(filter(None, [cpu_words(row), *gpu_words(row.gpus)]))


def cpu_words(row: MachineRow) -> str:
    """Return the share of its cores that a run keeps busy, and its memory."""
    parts = []
    if row.cpu is not None and row.cpu_allowed:
        parts.append(f"CPU {share(row.cpu / row.cpu_allowed)}")
    if row.memory is not None:
        parts.append(gigabytes(row.memory) + ("" if parts else " of memory"))
    return ", ".join(parts)


def gpu_words(gpus: Sequence[GPUUse]) -> list[str]:
    """Return how each GPU is used; they are named if there are several."""
    return [words for gpu in gpus if (words := one_gpu(gpu, gpu.device if gpus[1:] else "GPU"))]


def one_gpu(gpu: GPUUse, name: str) -> str:
    """Return how one GPU is used, as far as it says."""
    parts = []
    if gpu.utilization is not None:
        parts.append(f"{gpu.utilization:.0f}{NARROW}%")
    if gpu.memory_used is not None and gpu.memory_total:
        parts.append(f"{gpu.memory_used / GB:.1f} of {gigabytes(gpu.memory_total)}")
    if gpu.temperature is not None:
        parts.append(f"{gpu.temperature:.0f}{NARROW}°C")
    if gpu.power is not None:
        parts.append(f"{gpu.power:.0f}{NARROW}W")
    return f"{name} {', '.join(parts)}" if parts else ""


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
