"""What torchvision's code says about each published set, known without loading torchvision.

known.json is written by `make docs` from the installed torchvision: for each key the addresses and
md5 sums of its files, and the names of its classes. Nothing of it is typed by hand.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from msgspec import Struct, convert

FILE = Path(__file__).with_name("known.json")


class Known(Struct, frozen=True, kw_only=True):
    """What is known of one set."""

    files: tuple[tuple[str, str], ...] = ()  # address, and md5 sum or ""
    classes: tuple[str, ...] = ()  # none if torchvision learns them from the files
    folders: tuple[str, ...] = ()  # the classes' folders, where those have other names


@cache
def table() -> Mapping[str, Known]:
    """Return what is known of every set, by its key."""
    return convert(json.loads(FILE.read_text("utf-8")), dict[str, Known]) if FILE.exists() else {}


def known(key: str) -> Known:
    """Return what torchvision's code says about a set; nothing for one that it does not get."""
    return table().get(key, Known())
