"""The fields of a download: which set it gets, why it may not, and what gets it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Step = Callable[[int, int, str], None]  # bytes received, bytes in all, what is done now


@dataclass(frozen=True, kw_only=True)
class Download:
    """A set of images that can be downloaded to a store, one at a time.

    `find` returns where it is in a store, None if it is not there. `get` downloads it to a store,
    within a time in seconds for each answer of the server, and calls a Step, which raises to end
    the download; it continues an earlier attempt and raises DataError or OSError.
    """

    key: str  # the source that a run records
    title: str
    size: str = ""  # how much there is to download, in words; "" if that is not known beforehand
    bytes: int = 0  # the same as a number
    how_to_get: str  # a sentence on what it takes to have it
    obstacle: str = ""  # why it cannot be downloaded, and what to do
    find: Callable[[Path], Path | None]
    get: Callable[[Path, Step, float], None]
