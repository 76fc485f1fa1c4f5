"""How the list of runs is shown: search, columns, sorting and grouping; and as a table to keep."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from cifar_core.runs.listing.columns import COLUMNS
from cifar_core.runs.listing.run_filter import parse
from cifar_core.runs.listing.seed_groups import SeedGroup, grouped
from cifar_core.runs.store.run_row import RunRow

USUAL = ("number", "name", "best", "state", "epoch", "test", "curve", "model", "data", "time")


@dataclass(frozen=True, kw_only=True)
class Listing:
    """One way to look at the runs."""

    query: str = ""
    columns: tuple[str, ...] = USUAL  # keys of COLUMNS
    sort: str = ""  # a key of COLUMNS, with "-" in front for the highest first; empty: newest first
    group: bool = False  # runs that differ only in their seed become one line

    def rows(self, rows: Sequence[RunRow]) -> list[RunRow]:
        """Return the runs that pass, in order; QueryError if the search cannot be understood."""
        settings = dict.fromkeys(name for row in rows for name in row.settings)
        query = parse(self.query, settings)
        return ordered([row for row in rows if query.matches(row)], self.sort)

    def groups(self, rows: Sequence[RunRow]) -> list[SeedGroup]:
        """Return the runs that pass as groups; sorted by an accuracy, the means decide."""
        groups = grouped(self.rows(rows))
        column = COLUMNS[self.sort.lstrip("-")] if self.sort else None
        if column is None or column.kind not in ("share", "number", "seconds"):
            return groups
        means = [(spread.mean if (spread := group.spread_of(column)) else None, group)
                 for group in groups]  # fmt: skip
        known = [pair for pair in means if pair[0] is not None]
        known.sort(key=lambda pair: pair[0] or 0.0, reverse=self.sort.startswith("-"))
        return [group for _, group in [*known, *(pair for pair in means if pair[0] is None)]]


def ordered(rows: list[RunRow], sort: str) -> list[RunRow]:
    """Sort runs by a column; those that have no value there come last either way."""
    if not sort:
        return rows
    of = COLUMNS[sort.lstrip("-")].of
    known = [row for row in rows if of(row) not in (None, "", [])]
    known.sort(key=lambda row: sortable(of(row)), reverse=sort.startswith("-"))
    return [*known, *(row for row in rows if of(row) in (None, "", []))]


def sortable(value: Any) -> Any:
    """Return what a value is sorted by: text without regard to capitals."""
    return value.lower() if isinstance(value, str) else value


def table(rows: Iterable[RunRow], columns: Iterable[str]) -> list[dict[str, Any]]:
    """Return the values of some columns for each run; accuracies are shares, times seconds."""
    chosen = [COLUMNS[key] for key in columns]
    return [{column.key: column.of(row) for column in chosen} for row in rows]


def group_table(groups: Iterable[SeedGroup]) -> list[dict[str, Any]]:
    """Return one line for each group, with means and standard deviations as shares."""
    return [
        {
            "settings": group.title or group.rows[0].name,
            "runs": len(group.rows),
            "seeds": group.seeds,
            **{f"{key}_{what}": getattr(found, what) if found else None
               for key in ("best", "test") for found in [group.spread_of(COLUMNS[key])]
               for what in ("mean", "deviation", "count")},
            "numbers": [row.number for row in group.rows],
        }
        for group in groups
    ]  # fmt: skip
