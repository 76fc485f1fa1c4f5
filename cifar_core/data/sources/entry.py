"""A file or folder of a source, whatever the source is."""

from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, NamedTuple

from cifar_core.data.sources import limits
from cifar_core.data.sources.limits import (
    MAX_FILE_BYTES,
    REMEDY,
    read_at_most,
    refuse_damage,
    shown,
)
from cifar_core.errors import DataError

DEVICE = "are pipes or devices"
GONE = "are links to files that do not exist"
ROUND = "are links to a folder that they lie in"
FORBIDDEN = "may not be read by this program"
TOO_DEEP = "lie too deep in folders"
TOO_LARGE = f"are larger than {MAX_FILE_BYTES // 2**20} MB"
LEADS_OUT = "are links that lead out of the archive"


class ArchiveEntry(NamedTuple):
    """One file or folder. It must be read before the next entry is asked for."""

    name: str  # relative, with forward slashes
    is_folder: bool
    source: Path  # for messages
    open: Callable[[], IO[Any]]
    why: str = ""  # why it cannot be used, for a page, after a number of files; "" if it can
    link: str = ""  # the name of the entry that a link in an archive stands for
    place: str = ""  # of a file in a folder: its path
    alone: bool = False  # if it is damaged, others can be read still: it is one of a zip

    def read(self) -> bytes:
        """Return the file's bytes; raises DataError, also if it has more than a picture may."""
        data = self.start(limits.MAX_FILE_BYTES + 1)
        if len(data) > limits.MAX_FILE_BYTES:
            raise DataError(
                f"{self.source} has the file '{shown(self.name)}' of more than "
                f"{limits.MAX_FILE_BYTES / 1e6:,.0f} MB, far too large for an image. {REMEDY}"
            )
        return data

    def start(self, size: int) -> bytes:
        """Return the first bytes of the file; raises DataError."""
        if self.open is no_file:
            raise DataError(
                f"{self.source} has the entry '{shown(self.name)}', which is not a plain file. "
                "Replace it by the file itself."
            )
        with refuse_damage(self.source), self.open() as file:
            return read_at_most(file, size)


def no_file() -> IO[Any]:
    """Stand for the contents of folders, links and devices."""
    raise FileNotFoundError("it is not a plain file")
