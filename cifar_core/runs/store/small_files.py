"""The small files of a run, each read once, and which of them are damaged or missing."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

from msgspec import Struct

from cifar_core.disk import files
from cifar_core.disk.checks import as_type
from cifar_core.runs.record.records import RECORDS

T = TypeVar("T", bound=Struct)


class SmallFiles:
    """Reads files of one folder, and remembers what was wrong with them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.missing: set[str] = set()  # names of files
        self.damaged: set[str] = set()  # or of another type, or unreadable

    def plain(self, name: str) -> dict[str, Any]:
        """Return the object in a JSON file; empty if it is missing or damaged."""
        try:
            return files.sound(self.folder / name, RECORDS[name])
        except FileNotFoundError:
            self.missing.add(name)
        except (OSError, ValueError):
            self.damaged.add(name)
        return {}

    def read(self, name: str, record: type[T]) -> T:
        """Return the record in a JSON file; one of defaults if it is missing, empty or damaged."""
        values = self.plain(name)
        return as_type(values, record) if values else record()

    def are_damaged(self, names: Iterable[str], wanted: Iterable[str]) -> bool:
        """Whether any of the files that were read is damaged, or missing although it is wanted."""
        return not self.damaged.isdisjoint(names) or not self.missing.isdisjoint(wanted)
