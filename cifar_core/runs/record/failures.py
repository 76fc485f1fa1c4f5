"""Which type of failure an exception is, so that the page can suggest what to do."""

from pathlib import Path

from cifar_core.devices.wordings import is_device_failure, is_host_out_of_memory, lacks_memory
from cifar_core.disk import space
from cifar_core.errors import (
    CheckpointError,
    CifarError,
    DataError,
    DeviceError,
    DiskFullError,
    TrainingDivergedError,
    WeightsError,
)

MEMORY = ("oom", "host_memory")  # the failures that computing fewer images at once may avoid
FEWEST_AT_ONCE = 2  # images: batch norm needs two
NO_ROOM_FOR_RESULT = 75  # exit code of a trainer whose result the disk had no space for

REASONS: list[tuple[type[BaseException], str]] = [
    (DiskFullError, "disk"),
    (TrainingDivergedError, "diverged"),
    (DataError, "data"),
    (WeightsError, "weights"),
    (DeviceError, "device"),
    (CheckpointError, "checkpoint"),
    (CifarError, "settings"),
    (MemoryError, "host_memory"),
]


def reason_of(error: BaseException) -> str:
    """Return the key in FAILURES that fits the exception."""
    for error_type, reason in REASONS:
        if isinstance(error, error_type):
            return reason
    if lacks_memory(error):
        return "oom"
    if is_host_out_of_memory(str(error)):
        return "host_memory"
    if space.is_full(error):
        return "disk"
    return "device" if is_device_failure(str(error)) else "bug"


def message_of(error: BaseException, reason: str, folder: Path, at_once: int = 0) -> str:
    """Return the sentence that the page shows about the exception.

    `folder` is on the run's disk; `at_once` is how many images were computed together.
    """
    if isinstance(error, CifarError):
        return str(error)
    if reason == "disk":
        return f"It could not save because {space.missing(error, folder)}."
    first = str(error).strip().split("\n", 1)[0]
    words = f"{type(error).__name__}: {first}" if first else type(error).__name__
    if reason in MEMORY:
        return f"The memory was too small for {at_once:,} images at once ({words.rstrip('.')})."
    return words
