"""The settings of a sweep in a table, the best first."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from app import theme
from app.screens.sweep.search_report import percent
from cifar_core.runs.sweeps.sweep_results import CellResult, equal_time, seconds_to


def table(cells: Sequence[CellResult]) -> None:
    """Draw a row for each setting, the best first."""
    ranked = sorted(cells, key=lambda cell: cell.val.mean if cell.val else -1.0, reverse=True)
    budget = equal_time(cells)
    reached = budget[1] if budget else {}
    means = [cell.val.mean for cell in cells if cell.val]
    goal = min(means) if len(means) > 1 else None
    st.dataframe(
        pd.DataFrame(
            {
                "setting": [cell.title + ", removed" * cell.removed for cell in ranked],
                "mean": [percent(cell.val.mean) if cell.val else None for cell in ranked],
                "spread": [percent(cell.val.deviation) if cell.val else None for cell in ranked],
                **balanced_column(ranked),
                "best": [percent(max(cell.by_seed.values(), default=None)) for cell in ranked],
                "seeds": [f"{len(cell.by_seed)} of {len(cell.rows)}" for cell in ranked],
                "time": [theme.duration(cell.seconds) for cell in ranked],
                "equal": [percent(reached.get(cell.place)) for cell in ranked],
                "goal": [time_to(cell, goal) for cell in ranked],
                "test": [percent(cell.test.mean) if cell.test else None for cell in ranked],
            }
        ),
        hide_index=True,
        placeholder="",
        column_config=columns(budget[0] if budget else None, goal),
        alt="Settings, best first",
    )


def balanced_column(cells: Sequence[CellResult]) -> dict[str, list[float | None]]:
    """Return the column that uneven classes need beside the accuracy; none for even ones."""
    if not any(row.uneven for cell in cells for row in cell.rows):
        return {}
    return {"balanced": [percent(c.balanced.mean) if c.balanced else None for c in cells]}


def columns(budget: float | None, goal: float | None) -> dict[str, Any]:
    """Describe the columns of the table of settings."""
    config = st.column_config
    number = config.NumberColumn
    seconds = f" ({theme.duration(budget)})" if budget else ""
    target = f" ({100 * goal:.1f} %)" if goal else ""
    return {
        "setting": config.TextColumn("Setting", pinned=True),
        "mean": number("Validation", format="%.2f %%", help="Mean over the finished seeds."),
        "spread": number("Spread", format="%.2f", help="Standard deviation between runs, points."),
        "balanced": number("Balanced", format="%.2f %%",
                           help="Balanced accuracy, mean over the finished seeds."),
        "best": number("Best", format="%.2f %%", help="The best single seed."),
        "seeds": config.TextColumn("Seeds", help="Finished runs, of all of this setting."),
        "time": config.TextColumn("Time per run"),
        "equal": number(
            "At equal time", format="%.2f %%",
            help=f"Validation accuracy reached in the time of the fastest setting{seconds}.",
        ),
        "goal": config.TextColumn(
            "Time to goal",
            help=f"Mean time to reach the mean accuracy of the weakest setting{target}.",
        ),
        "test": number("Test", format="%.2f %%", help="Mean. Not for choosing."),
    }  # fmt: skip


def time_to(cell: CellResult, goal: float | None) -> str:
    """Write the mean time in which a setting's runs reached an accuracy, or how many did."""
    if goal is None or not cell.finished:
        return ""
    times = [seconds_to(row, goal) for row in cell.finished]
    reached = [seconds for seconds in times if seconds is not None]
    if len(reached) < len(times):
        return f"{len(reached)} of {len(times)} reached it"
    return theme.duration(sum(reached) / len(reached))
