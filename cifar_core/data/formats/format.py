"""The fields of a format."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cifar_core.data.contents import Contents
from cifar_core.data.options import SetOptions


@dataclass(frozen=True, kw_only=True)
class Format:
    """A form in which people have sets of images."""

    key: str
    title: str
    summary: str
    recognizes: Callable[[Path], bool]  # by names and first bytes; never raises, reads little
    open: Callable[[Path, SetOptions, Path], Contents]  # path, decisions, store; raises DataError
