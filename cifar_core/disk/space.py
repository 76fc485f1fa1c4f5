"""Free disk space: whether there is enough, and the error that says how much is missing."""

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cifar_core.errors import DiskFullError

# EFBIG: the file is too large for a limit of the process or of the file system
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
SPARE = (
    1_000_000  # bytes that large files leave free for the small ones, which record what happened
)
TO_START = 16_000_000  # bytes that must be free before a run is started
RESERVE, RESERVE_BYTES = ".reserve", 2_000_000  # a file of a store that a full disk gives up
SMALL_FILES = 200_000  # bytes that deleting or stopping writes, at most
MORE = 64_000_000  # further bytes that must be free where the need is not known


def is_full(error: BaseException) -> bool:
    """Return True if an exception means that the disk is full."""
    if isinstance(error, DiskFullError) or getattr(error, "errno", None) in NO_ROOM:
        return True
    return any(f"os error {number}" in str(error) for number in NO_ROOM)  # safetensors' wording


@contextmanager
def needed(size: int, folder: Path, what: str = "a small file") -> Iterator[None]:
    """Turn a full disk's error within a `with` block into one that names what was being written."""
    try:
        yield
    except Exception as error:
        if not is_full(error) or isinstance(error, DiskFullError):
            raise
        raise DiskFullError(what, size, free_bytes(folder)) from error


def ensure(size: int, folder: Path, what: str) -> None:
    """Raise DiskFullError if a large file would not fit or would leave no space for small ones."""
    free = free_bytes(folder)
    if free < size + SPARE:
        raise DiskFullError(what, size, free)


def to_continue(error: BaseException, folder: Path) -> int:
    """Return how many bytes must be free before the failed write is worth another try."""
    if isinstance(error, DiskFullError):
        return max(2 * error.needed, TO_START)
    return free_bytes(folder) + MORE


def free_bytes(folder: Path) -> int:
    """Return how many bytes are free on the disk for this user."""
    return shutil.disk_usage(folder).free


def is_free(size: int, folder: Path) -> bool:
    """Return True if this many bytes can be written, by reserving them: there may be a quota."""
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


def keep_reserve(root: Path) -> None:
    """Set bytes of a store aside, unless they are set aside or the disk has little room.

    The bytes are random, as a file system may store others in less space.
    """
    path = root / RESERVE
    try:
        if path.exists() or free_bytes(root) < TO_START + RESERVE_BYTES:
            return
        path.write_bytes(os.urandom(RESERVE_BYTES))
    except OSError:  # the next call tries again
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def release_reserve(root: Path) -> None:
    """Give up the reserve if the disk is full: stopping and deleting must always be possible."""
    with contextlib.suppress(OSError):
        if not is_free(SMALL_FILES, root):
            (root / RESERVE).unlink(missing_ok=True)


def missing(error: BaseException, folder: Path) -> str:
    """Return how much space is missing, as the rest of a sentence."""
    if isinstance(error, DiskFullError):
        return (
            f"the disk is full: {error.what} needs {megabytes(error.needed)}, but only "
            f"{megabytes(error.free)} are free"
        )
    return f"the disk is full ({megabytes(free_bytes(folder))} are free)"


def megabytes(size: int) -> str:
    """Return a size as text, in megabytes."""
    return f"{size / 1e6:,.1f} MB"
