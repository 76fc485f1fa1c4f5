"""Groups of runs that differ only in the seed: mean and spread instead of one lucky run."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from cifar_core.runs.listing.columns import Column
from cifar_core.runs.record.run_kinds import CURVES
from cifar_core.runs.store.run_row import RunRow
from cifar_core.statistics.over_seeds import Spread, spread
from cifar_core.titles import TITLES

NAMED = 4  # settings that a group's title names
ROW_FIELDS = list(RunRow.__annotations__)


@dataclass(frozen=True, kw_only=True)
class SeedGroup:
    """Runs with the same settings except for the seed."""

    rows: list[RunRow]
    title: str = ""  # how it differs from the other groups; empty if it does not

    def spread_of(self, column: Column) -> Spread | None:
        """Return mean and spread of a number column over the runs that have a value."""
        values = [value for row in self.rows if (value := column.of(row)) is not None]
        return spread(values) if values else None

    @property
    def seeds(self) -> list[int]:
        """The seeds of its runs."""
        return sorted({row.seed for row in self.rows})


def grouped(rows: Iterable[RunRow]) -> list[SeedGroup]:
    """Group runs by their settings except the seed, in the order of each group's first run."""
    by_settings: dict[str, list[RunRow]] = {}
    for row in rows:
        by_settings.setdefault(group_key(row), []).append(row)
    named = zip(by_settings.values(), titles(list(by_settings.values())), strict=True)
    return [SeedGroup(rows=group, title=title) for group, title in named]


def group_key(row: RunRow) -> str:
    """Return a text that is the same for runs that differ only in the seed."""
    alone = row.id if row.kind == CURVES else ""  # its settings and its seed are not known
    return json.dumps([row.kind, alone, {**row.settings, "seed": None}], sort_keys=True)


def titles(groups: Sequence[Sequence[RunRow]]) -> list[str]:
    """Write, for each group, the settings that are not the same in all groups."""
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
        TITLES.get(value, value.replace("_", " ")) if isinstance(value, str) and name in ROW_FIELDS
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
