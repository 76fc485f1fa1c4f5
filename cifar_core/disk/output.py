"""Files on paths that a person names: the earlier file stays until the new one is complete."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cifar_core.disk import files, space
from cifar_core.errors import DiskFullError, OutputError

DRAFT = re.compile(r"\.(\d+)-\d+\.draft")  # how the name of a draft ends: process and thread


@contextmanager
def replacing(target: Path, ending: str | None = None) -> Iterator[Path]:
    """Yield the path of a draft beside the target, which it replaces if the block succeeds.

    The draft's name has the target's ending or another, as some writers go by it, and gets its
    permissions. A link
    stays a link; a device, such as /dev/stdout, is written to directly. Drafts that killed
    processes left of this target are removed. OutputError says why nothing could be written.
    """
    try:
        target = target.resolve()
        if target.is_dir():
            raise OutputError(f"{target} is a folder. Give the path of a file.")
        if target.exists() and not target.is_file():
            yield target
            return
        if target.exists() and not os.access(target, os.W_OK):
            raise OutputError(f"{target} is write-protected. Choose another name.")
        remove_drafts(target)
        ending = target.suffix if ending is None else ending
        with files.replacing(target, f".draft{ending}") as draft:
            yield draft
            if target.exists():
                shutil.copymode(target, draft)
            files.sync_file(draft)
        with suppress(OSError):  # not every file system can
            files.sync_folder(target.parent)
    except DiskFullError:
        raise
    except OSError as error:
        raise not_written(target, error) from error


def write(target: Path, content: bytes | str) -> None:
    """Write a whole file; text as UTF-8."""
    data = content.encode() if isinstance(content, str) else content
    with replacing(target) as draft:
        draft.write_bytes(data)


def make_folder(folder: Path) -> None:
    """Make a folder that a person named, with those above it; OutputError if that is impossible."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise not_written(folder, error) from error


def not_written(target: Path, error: OSError) -> OutputError:
    """Return the error for a target that could not be written."""
    if space.is_full(error):
        return OutputError(
            f"{target} was not written, because {space.missing(error, target.parent)}. An earlier "
            "file of that name is unchanged. Free some space, or choose another disk."
        )
    return OutputError(
        f"{target} cannot be written: {error.strerror or error}. Choose a folder that exists and "
        "that you may write to. An earlier file of that name is unchanged."
    )


def remove_drafts(target: Path) -> None:
    """Remove the drafts of a target whose processes have ended."""
    start = f".{target.name}"
    for path in target.parent.iterdir():
        match = path.name.startswith(start) and DRAFT.match(path.name, len(start))
        if match and not is_alive(int(match[1])):
            path.unlink(missing_ok=True)


def is_alive(pid: int) -> bool:
    """Return True if there is a process with this id."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True
