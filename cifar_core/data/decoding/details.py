"""Stub of what is known of each image of a decoded source, until the decoding room has it."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from cifar_core.data.decoding.lists import Lists


class Left(Struct, frozen=True, kw_only=True):
    why: str
    number: int


class Found(Struct, frozen=True, kw_only=True):
    format: str = ""
    said: list[str] = []
    ignored: list[Left] = []
    unreadable: int = 0
    columns: dict[str, str] = {}


@dataclass(frozen=True)
class Details:
    folder: Path
    found: Found
    origin: str
    lists: Lists
    names: list[str] = field(default_factory=list)
    sizes: NDArray[np.int32] = field(default_factory=lambda: np.zeros((0, 2), np.int32))
    gray: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))


def details_of(store: Path, source: str, fingerprint: str) -> Details | None:
    """Return nothing yet."""
    return None
