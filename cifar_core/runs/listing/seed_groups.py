"""Runs that differ only in their seed, taken together: mean and spread instead of one lucky run."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from cifar_core.runs.listing.columns import Column
from cifar_core.runs.store.run_row import RunRow
from cifar_core.statistics.over_seeds import Spread, spread

NAMED = 4  # settings that a group's title names
ROW_FIELDS = list(RunRow.__annotations__)


@dataclass(frozen=True, kw_only=True)
class SeedGroup:
    """Runs of the same settings but for the seed."""

    rows: list[RunRow]
    title: str = ""  # what tells it from the other groups; empty if nothing does

    def spread_of(self, column: Column) -> Spread | None:
        """Return mean and spread of a column of numbers over the runs that know it."""
        values = [value for row in self.rows if (value := column.of(row)) is not None]
        return spread(values) if values else None

    @property
    def seeds(self) -> list[int]:
        """The seeds of its runs."""
        return sorted({row.seed for row in self.rows})


def grouped(rows: Iterable[RunRow]) -> list[SeedGroup]:
    """Group runs by their settings without the seed, in the order of each group's first run."""
    found: dict[str, list[RunRow]] = {}
    for row in rows:
        found.setdefault(recipe(row), []).append(row)
    named = zip(found.values(), titles(list(found.values())), strict=True)
    return [SeedGroup(rows=group, title=title) for group, title in named]


def recipe(row: RunRow) -> str:
    """Return what two runs share that differ only in their seed."""
    return json.dumps([row.kind, {**row.settings, "seed": None}], sort_keys=True)


def titles(groups: Sequence[Sequence[RunRow]]) -> list[str]:
    """Write for each group the settings that are not the same in all groups."""
    firsts = [group[0].settings for group in groups]
    names = in_order(name for settings in firsts for name in settings if name != "seed")
    varied = [name for name in names if len({repr(first.get(name)) for first in firsts}) > 1]
    return [in_words(first, varied) for first in firsts]


def in_order(names: Iterable[str]) -> list[str]:
    """Return the settings once each, those first that a run's row has as columns of their own."""
    rank = {name: rank for rank, name in enumerate(ROW_FIELDS)}
    return sorted(dict.fromkeys(names), key=lambda name: rank.get(name, len(rank)))


def in_words(settings: dict[str, Any], names: Sequence[str]) -> str:
    """Write the values of some settings in one line; names in a column need no label."""
    words = [
        plain(value).replace("_", " ") if isinstance(value, str) and name in ROW_FIELDS
        else f"{name.replace('_', ' ')} {plain(value)}"
        for name in names[:NAMED] for value in [settings.get(name)]
    ]  # fmt: skip
    more = [f"{len(names) - NAMED} more"] if len(names) > NAMED else []
    return ", ".join(words + more)


def plain(value: Any) -> str:
    """Write one value."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
