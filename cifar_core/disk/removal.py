"""Deletes folders under another name, so that a kill midway leaves no half of one under its own."""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

GONE = ".gone-"  # how the name of a folder begins that is being deleted


def discard(path: Path) -> None:
    """Delete a file or a folder, which loses its name before its first file; raises OSError.

    The move needs no space on the disk. A process that is killed meanwhile leaves a folder that
    only `leftovers` finds.
    """
    if not path.is_dir() or path.is_symlink():
        path.unlink(missing_ok=True)
        return
    gone = path.with_name(f"{GONE}{path.name}-{os.getpid()}-{time.time_ns()}")
    path.rename(gone)
    shutil.rmtree(gone)


@contextmanager
def unless_complete(draft: Path) -> Iterator[None]:
    """Delete a folder again if the `with` block that fills it fails, as on a full disk."""
    try:
        yield
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def leftovers(folder: Path) -> Iterator[Path]:
    """Yield the half-deleted folders in a folder."""
    yield from folder.glob(f"{GONE}*")
