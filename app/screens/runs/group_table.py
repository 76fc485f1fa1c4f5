"""The list of runs by groups: one row for all runs that differ only in the seed."""

from collections.abc import Sequence
from typing import Any

from app.screens.runs.run_list import Head, Line
from cifar_core.runs.listing.columns import COLUMNS
from cifar_core.runs.listing.seed_groups import SeedGroup
from cifar_core.statistics.over_seeds import Spread

SPREAD = "Standard deviation between runs, in percentage points; it needs at least two runs."
HEADS = [
    Head(key="settings", title="Differing settings", kind="name", sortable=False,
         about="How its settings differ from those of the other groups."),
    Head(key="runs", title="Runs", kind="number", sortable=False,
         about="How many runs have these settings."),
    Head(key="best", title="Validation", kind="share",
         about="Mean over the best epoch of each run."),
    Head(key="best_spread", title="Validation \u00b1", kind="number", sortable=False, about=SPREAD),
    Head(key="test", title="Test", kind="share", about="Mean over the tested runs."),
    Head(key="test_spread", title="Test \u00b1", kind="number", sortable=False, about=SPREAD),
    Head(key="seeds", title="Seeds", sortable=False, about="The seeds of the runs."),
    Head(key="numbers", title="Open", kind="links", sortable=False, about="The runs by number."),
]  # fmt: skip


def lines(groups: Sequence[SeedGroup]) -> list[Line]:
    """Return a row of the list for each group."""
    return [
        Line(
            id=id_of(group), label=title_of(group), cells=[cells(group)[head.key] for head in HEADS]
        )
        for group in groups
    ]


def id_of(group: SeedGroup) -> str:
    """Return what a tick is kept by: the group's oldest run, so that a new one may join it."""
    return f"seeds of {min(group.rows, key=lambda row: row.number).id}"


def title_of(group: SeedGroup) -> str:
    """Say how the group differs from the others, or which network it is."""
    return group.title or group.rows[0].model_title


def cells(group: SeedGroup) -> dict[str, Any]:
    """Return what the columns say of a group, by key."""
    best, test = (group.spread_of(COLUMNS[key]) for key in ("best", "test"))
    links = [{"text": f"#{row.number}", "run": row.number} for row in group.rows]
    return {
        "settings": {"text": title_of(group), "marks": [], "badges": []},
        "runs": str(len(group.rows)),
        "best": percent(best),
        "best_spread": plus_minus(best),
        "test": percent(test),
        "test_spread": plus_minus(test),
        "seeds": ", ".join(map(str, group.seeds)),
        "numbers": links,
    }


def percent(spread: Spread | None) -> str:
    """Write a mean in percent, if there is one."""
    return f"{100 * spread.mean:.1f}" if spread else ""


def plus_minus(spread: Spread | None) -> str:
    """Write a standard deviation in percentage points, if there is one."""
    if spread is None or spread.deviation is None:
        return ""
    return f"{100 * spread.deviation:.1f}"
