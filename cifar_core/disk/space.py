"""Room on the disk: whether there is enough, and the error that says how much is missing."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cifar_core.errors import DiskFullError

# EFBIG: a limit of the process or of the file system rather than of the disk
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
SPARE = 1_000_000  # bytes that large files leave to the small ones, which say what happened
TO_START = 16_000_000  # bytes without which no run is started
MORE = 64_000_000  # bytes that must be free besides, where it is not known what is needed


def is_full(error: BaseException) -> bool:
    """Tell whether an exception means that there is no room to write to."""
    if isinstance(error, DiskFullError) or getattr(error, "errno", None) in NO_ROOM:
        return True
    return any(f"os error {number}" in str(error) for number in NO_ROOM)  # safetensors' wording


@contextmanager
def needed(size: int, folder: Path, what: str = "a small file") -> Iterator[None]:
    """Turn what a full disk raises within into one error that says what was to be written."""
    try:
        yield
    except Exception as error:
        if not is_full(error) or isinstance(error, DiskFullError):
            raise
        raise DiskFullError(what, size, free_bytes(folder)) from error


def ensure(size: int, folder: Path, what: str) -> None:
    """Refuse to begin a large file that would not fit, or leave nothing for the small ones."""
    free = free_bytes(folder)
    if free < size + SPARE:
        raise DiskFullError(what, size, free)


def to_go_on(error: BaseException, folder: Path) -> int:
    """Return how many bytes must be free before what failed is worth another try."""
    if isinstance(error, DiskFullError):
        return max(2 * error.needed, TO_START)
    return free_bytes(folder) + MORE


def free_bytes(folder: Path) -> int:
    """Return how many bytes of the disk this user may still fill."""
    return shutil.disk_usage(folder).free


def is_there(size: int, folder: Path) -> bool:
    """Tell whether so many bytes can be written, by asking for them: there may be a quota."""
    if free_bytes(folder) < size:
        return False
    if not hasattr(os, "posix_fallocate"):
        return True
    trial = folder / f".room-{os.getpid()}"
    try:
        descriptor = os.open(trial, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            os.posix_fallocate(descriptor, 0, size)
        finally:
            os.close(descriptor)
            trial.unlink()
    except OSError as error:
        if not is_full(error):
            raise
        return False
    return True


def missing(error: BaseException, folder: Path) -> str:
    """Say what has no room, for a sentence that goes on."""
    if isinstance(error, DiskFullError):
        return f"disk full, {error.what} needs {megabytes(error.needed)} and " + (
            f"{megabytes(error.free)} are free"
        )
    return f"disk full, {megabytes(free_bytes(folder))} are free"


def megabytes(size: int) -> str:
    """Write bytes for people."""
    return f"{size / 1e6:,.1f} MB"
