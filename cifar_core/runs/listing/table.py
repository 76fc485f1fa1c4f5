"""The list of runs: how it is filtered, sorted and grouped, and its values for an export."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from cifar_core.runs.listing.columns import COLUMNS
from cifar_core.runs.listing.run_filter import parse
from cifar_core.runs.listing.seed_groups import SeedGroup, grouped
from cifar_core.runs.store.run_row import RunRow

USUAL = ("number", "name", "best", "state", "epoch", "test", "curve", "model", "data", "time")


def with_balanced(columns: Sequence[str], rows: Iterable[RunRow]) -> list[str]:
    """Return columns with the balanced accuracy beside the accuracy, if any set is uneven."""
    if "best" not in columns or "balanced" in columns or not any(row.uneven for row in rows):
        return list(columns)
    place = columns.index("best") + 1
    return [*columns[:place], "balanced", *columns[place:]]


@dataclass(frozen=True, kw_only=True)
class Listing:
    """How the runs are listed: a filter with columns, sorting and grouping."""

    query: str = ""
    columns: tuple[str, ...] = USUAL  # keys of COLUMNS
    sort: str = ""  # a key of COLUMNS, preceded by "-" for the highest first; empty: newest first
    group: bool = False  # runs that differ only in the seed become one row

    def rows(self, rows: Sequence[RunRow]) -> list[RunRow]:
        """Return the runs that pass, in order; QueryError if the filter cannot be understood."""
        if not self.query.strip():
            return ordered(list(rows), self.sort)
        settings = set[str]().union(*(row.settings for row in rows))
        run_filter = parse(self.query, settings)
        return ordered([row for row in rows if run_filter.matches(row)], self.sort)

    def groups(self, rows: Sequence[RunRow]) -> list[SeedGroup]:
        """Return the runs that pass as groups, sorted by their means where a column has numbers."""
        groups = grouped(self.rows(rows))
        column = COLUMNS[self.sort.lstrip("-")] if self.sort else None
        if column is None or column.kind not in ("share", "number", "seconds"):
            return groups
        means = [(spread.mean if (spread := group.spread_of(column)) else None, group)
                 for group in groups]  # fmt: skip
        with_mean = [pair for pair in means if pair[0] is not None]
        with_mean.sort(key=lambda pair: pair[0] or 0.0, reverse=self.sort.startswith("-"))
        return [group for _, group in [*with_mean, *(pair for pair in means if pair[0] is None)]]


def ordered(rows: list[RunRow], sort: str) -> list[RunRow]:
    """Sort runs by a column; those without a value come last either way."""
    if not sort:
        return rows
    of = COLUMNS[sort.lstrip("-")].of
    with_value = [row for row in rows if of(row) not in (None, "", [])]
    with_value.sort(key=lambda row: sortable(of(row)), reverse=sort.startswith("-"))
    return [*with_value, *(row for row in rows if of(row) in (None, "", []))]


def sortable(value: Any) -> Any:
    """Return the sort key of a value: text ignores case."""
    return value.lower() if isinstance(value, str) else value


def table(rows: Iterable[RunRow], columns: Iterable[str]) -> list[dict[str, Any]]:
    """Return the values of some columns per run; accuracies in [0, 1], times in seconds."""
    chosen = [COLUMNS[key] for key in columns]
    return [{column.key: column.of(row) for column in chosen} for row in rows]


def group_table(groups: Iterable[SeedGroup]) -> list[dict[str, Any]]:
    """Return one row for each group, with means and standard deviations in [0, 1]."""
    return [
        {
            "settings": group.title or group.rows[0].name,
            "runs": len(group.rows),
            "seeds": group.seeds,
            **{f"{key}_{part}": getattr(spread, part) if spread else None
               for key in ("best", "test") for spread in [group.spread_of(COLUMNS[key])]
               for part in ("mean", "deviation", "count")},
            "numbers": [row.number for row in group.rows],
        }
        for group in groups
    ]  # fmt: skip
