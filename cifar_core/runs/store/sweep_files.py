"""The files of sweeps: what each of them plans, read and written whole."""

import contextlib
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta, Struct

from cifar_core.disk import files
from cifar_core.disk.checks import MOST_ITEMS, Moment, Text, Whole
from cifar_core.errors import RunError

SCHEMA = 1


class CellShape(Struct, frozen=True, kw_only=True):
    """What a cell in a sweep's file may hold."""

    title: Text = ""
    changes: dict[str, Any] = {}


class SearchShape(Struct, frozen=True, kw_only=True):
    """What a search in a sweep's file may hold; other entries may be anything."""

    budget: Whole = 0


class SweepShape(Struct, frozen=True, kw_only=True):
    """What a sweep's file may hold."""

    name: Text = ""
    created_at: Moment = 0.0
    base: dict[str, Any] = {}
    cells: Annotated[list[CellShape], Meta(max_length=MOST_ITEMS)] = []
    seeds: Annotated[list[Whole], Meta(max_length=MOST_ITEMS)] = []
    token: Text = ""
    search: SearchShape = SearchShape()


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One combination of settings, to be trained with each seed."""

    title: str  # what it sets, in words
    changes: dict[str, Any]  # setting -> value, on top of the sweep's base


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """What was planned; its runs say what became of it."""

    id: str  # such as "3-optimizers"
    name: str
    created_at: float  # unix seconds
    base: dict[str, Any]  # plain settings
    cells: list[Cell]
    seeds: list[int]
    token: str = ""  # names the click that made it, so that a second one makes nothing
    search: dict[str, Any] = field(default_factory=dict)  # how cells are chosen; empty for a grid

    @property
    def number(self) -> int:
        """The part of the id that nothing else has."""
        return int(self.id.split("-", 1)[0])

    @property
    def varied(self) -> list[str]:
        """The settings that differ between its cells, in order."""
        return list(dict.fromkeys(name for cell in self.cells for name in cell.changes))

    @property
    def planned_runs(self) -> int:
        """How many runs there are going to be."""
        return int(self.search.get("budget", len(self.cells) * len(self.seeds)))

    @property
    def is_active(self) -> bool:
        """Whether it is a search that may still propose something."""
        return bool(self.search) and not self.search.get("ended")


def folder(root: Path) -> Path:
    """Return where a store keeps its sweeps."""
    return root / "sweeps"


def listed(root: Path) -> list[Sweep]:
    """List a store's sweeps, newest first; a file that cannot be read is passed over."""
    found = []
    for path in folder(root).glob("[0-9]*.json"):
        if not path.stem.split("-", 1)[0].isdecimal():
            continue
        with contextlib.suppress(RunError):
            found.append(read(path))
    return sorted(found, key=lambda sweep: sweep.number, reverse=True)


def read(path: Path) -> Sweep:
    """Read what `save` wrote."""
    values = files.read_json(path, SweepShape)
    names = {f.name for f in fields(Sweep)} - {"id", "cells"}
    try:
        cells = [Cell(**cell) for cell in values["cells"]]
        return Sweep(id=path.stem, cells=cells, **{k: v for k, v in values.items() if k in names})
    except (KeyError, TypeError) as error:
        raise RunError(f"The file {path} is damaged. Its runs are still in the list.") from error


def save(root: Path, sweep: Sweep) -> None:
    """Replace the sweep's file in one move."""
    values = asdict(sweep)
    path = folder(root) / f"{values.pop('id')}.json"
    files.write_json(path, {"schema": SCHEMA, **values})
