"""The GPU of an attempt, as environment.json records it."""

from msgspec import Struct, structs

from cifar_core.devices import nvml
from cifar_core.disk.checks import Text, Whole


class GPURecord(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A GPU, what computes on it, and how much of its memory an attempt took at most.

    The names stand for themselves, as pages show them among those of the machine. Megabytes are
    units of a million bytes.
    """

    gpu_driver: Text = ""  # version
    cuda: Text = ""  # version of the runtime that torch brings
    hip: Text = ""  # likewise, on AMD GPUs
    cudnn: Text = ""
    compute_capability: Text = ""
    gpu_memory_megabytes: Whole = 0
    peak_allocated_megabytes: Whole = 0  # by tensors; 0 until the attempt ends
    peak_reserved_megabytes: Whole = 0  # with what torch kept for later tensors


def describe(device: str) -> GPURecord | None:
    """Return what a GPU is, by torch's name; None for other devices."""
    if not device.startswith("cuda"):
        return None
    import torch

    gpu, is_amd = torch.cuda.get_device_properties(device), bool(torch.version.hip)
    return GPURecord(
        gpu_driver=nvml.driver(),
        cuda=torch.version.cuda or "",
        hip=torch.version.hip or "",
        cudnn="" if is_amd else readable(torch.backends.cudnn.version() or 0),
        compute_capability="" if is_amd else f"{gpu.major}.{gpu.minor}",
        gpu_memory_megabytes=round(gpu.total_memory / 1e6),
    )


def readable(cudnn: int) -> str:
    """Return a version of cuDNN as people write it, 9.24.0 for 92400; empty for 0."""
    if not cudnn:
        return ""
    thousand = 10_000 if cudnn >= 10_000 else 1000  # before version 9
    major, rest = divmod(cudnn, thousand)
    return f"{major}.{rest // 100}.{rest % 100}"


def with_peak(record: GPURecord, device: str) -> GPURecord:
    """Return the record with the most memory that this process has taken on the GPU so far."""
    import torch

    return structs.replace(
        record,
        peak_allocated_megabytes=round(torch.cuda.max_memory_allocated(device) / 1e6),
        peak_reserved_megabytes=round(torch.cuda.max_memory_reserved(device) / 1e6),
    )
