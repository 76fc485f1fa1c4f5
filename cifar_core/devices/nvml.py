"""NVIDIA's management library, which knows what torch does not: driver, utilization, temperature.

It belongs to the driver. Without it, or on another maker's GPU, there are no such figures.
"""

from typing import Any


def driver() -> str:
    """Return the version of the NVIDIA driver; empty if it is not known."""
    return asked("nvmlSystemGetDriverVersion") or ""


def handle_of(uuid: str) -> Any:
    """Return the library's handle of a GPU, or of a part of one (MIG); None if it is not known.

    `uuid` is that of torch, as the library and CUDA number GPUs differently.
    """
    for kind in ("GPU", "MIG"):
        if handle := asked("nvmlDeviceGetHandleByUUID", f"{kind}-{uuid}"):
            return handle
    return None


def asked(question: str, *about: Any) -> Any:
    """Return what a function of the library answers; None if it is not there, or cannot say."""
    nvml = library()
    function = getattr(nvml, question, None)  # libraries of earlier drivers lack some
    try:
        return function and function(*about)
    except nvml.NVMLError:
        return None


def library() -> Any:
    """Return the library, ready for use; None where there is none."""
    try:
        import pynvml as nvml
    except ImportError:
        return None
    try:
        nvml.nvmlInit()
    except nvml.NVMLError:
        return None
    return nvml
