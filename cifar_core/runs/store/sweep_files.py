"""The files of sweeps: the plan of each of them, read and replaced as a whole."""

import contextlib
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta, Struct

from cifar_core.disk import files
from cifar_core.disk.checks import MOST_ITEMS, Moment, Text, Whole
from cifar_core.errors import RunError
from cifar_core.runs.record.family.ancestors import Ancestor

SCHEMA = 1


class CellShape(Struct, frozen=True, kw_only=True):
    """The entries of a cell in a sweep's file."""

    title: Text = ""
    changes: dict[str, Any] = {}
    removed: bool = False


class SearchShape(Struct, frozen=True, kw_only=True):
    """The entries of a search in a sweep's file; others may be anything."""

    budget: Whole = 0
    owner: Text = ""


class SweepShape(Struct, frozen=True, kw_only=True):
    """The entries of a sweep's file."""

    name: Text = ""
    created_at: Moment = 0.0
    base: dict[str, Any] = {}
    cells: Annotated[list[CellShape], Meta(max_length=MOST_ITEMS)] = []
    seeds: Annotated[list[Whole], Meta(max_length=MOST_ITEMS)] = []
    token: Text = ""
    owner: Text = ""
    priority: Text = ""
    search: SearchShape = SearchShape()
    start: Ancestor = Ancestor()
    teachers: Annotated[list[Ancestor], Meta(max_length=MOST_ITEMS)] = []


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One combination of settings, to be trained with each seed."""

    title: str  # what it sets, in words
    changes: dict[str, Any]  # setting -> value, on top of the sweep's base
    removed: bool = False  # no longer part of the sweep; runs name their cell by its place


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """A plan of runs; the runs themselves hold the results."""

    id: str  # such as "3-optimizers"
    name: str
    created_at: float  # unix seconds
    base: dict[str, Any]  # plain settings
    cells: list[Cell]
    seeds: list[int]
    token: str = ""  # identifies the click that made it, so that a double click makes only one
    search: dict[str, Any] = field(default_factory=dict)  # how cells are chosen; empty for a grid
    owner: str = ""  # the person who made it; in files of earlier versions only searches name them
    priority: str = ""  # of its runs, a key of PRIORITIES; empty for a normal one
    start: dict[str, Any] = field(default_factory=dict)  # whose weights all runs start from, if any
    teachers: list[dict[str, Any]] = field(default_factory=list)  # that all runs learn from

    @property
    def number(self) -> int:
        """The number at the start of the id, which no other sweep has."""
        return number_of(self.id)

    @property
    def places(self) -> list[int]:
        """The places of the cells that belong to it now."""
        return [place for place, cell in enumerate(self.cells) if not cell.removed]

    @property
    def varied(self) -> list[str]:
        """The settings that differ between its cells, in order."""
        cells = [self.cells[place] for place in self.places]
        return list(dict.fromkeys(name for cell in cells for name in cell.changes))

    @property
    def planned_runs(self) -> int:
        """How many runs it will have in all."""
        return int(self.search.get("budget", len(self.places) * len(self.seeds)))

    @property
    def is_active(self) -> bool:
        """Whether it is a search that may still propose settings."""
        return bool(self.search) and not self.search.get("ended")


def folder(root: Path) -> Path:
    """Return the folder of a store's sweeps."""
    return root / "sweeps"


def listed(root: Path) -> list[Sweep]:
    """List a store's sweeps, newest first; files that cannot be read are skipped."""
    sweeps = []
    for path in folder(root).glob("[0-9]*.json"):
        if number_of(path.stem):
            with contextlib.suppress(RunError):
                sweeps.append(read(path))
    return sorted(sweeps, key=lambda sweep: sweep.number, reverse=True)


def next_number(root: Path, named: Iterable[str]) -> int:
    """Return one more than the number of any sweep there is or was; the caller holds their lock.

    A file counts by its name, readable or not, and so do the sweeps that runs say they belong to
    (`named`): runs of a sweep whose file is damaged or gone must never become those of another.
    """
    paths = folder(root).glob("[0-9]*")
    return 1 + max(map(number_of, [*(path.name for path in paths), *named]), default=0)


def number_of(id_: str) -> int:
    """Return the number at the start of a sweep's id or its file's name; 0 if there is none."""
    start = re.match("[0-9]+", id_)
    return int(start[0]) if start else 0


def read(path: Path) -> Sweep:
    """Read a sweep's file; RunError if it is damaged."""
    values = files.read_json(path, SweepShape)
    names = {f.name for f in fields(Sweep)} - {"id", "cells"}
    try:
        cells = [Cell(**cell) for cell in values["cells"]]
        return Sweep(id=path.stem, cells=cells, **{k: v for k, v in values.items() if k in names})
    except (KeyError, TypeError) as error:
        raise RunError(f"sweeps/{path.name} is damaged. Its runs are still in the list.") from error


def refuse_damaged(root: Path, ref: str) -> None:
    """Raise RunError if the sweep with a number or id has a file that cannot be read."""
    for path in sorted(folder(root).glob("[0-9]*.json")):
        if ref == path.stem or (ref.isdecimal() and number_of(path.stem) == int(ref)):
            read(path)


def save(root: Path, sweep: Sweep) -> None:
    """Replace a sweep's file in one move."""
    values = asdict(sweep)
    path = folder(root) / f"{values.pop('id')}.json"
    files.write_json(path, {"schema": SCHEMA, **values})
