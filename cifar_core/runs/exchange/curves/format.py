"""What a format of another tool has to offer."""

from collections.abc import Callable
from dataclasses import dataclass

from cifar_core.runs.exchange.curves.gather import Gathered
from cifar_core.runs.exchange.curves.materials import Materials


@dataclass(frozen=True, kw_only=True)
class Format:
    """A format in which another tool keeps or exports curves."""

    key: str  # in curves.json, about.json and on the command line; never renamed
    title: str
    summary: str  # what to give
    claims: Callable[[Materials], bool]  # whether any of the files is of this format
    read: Callable[[Materials, Gathered], None]
