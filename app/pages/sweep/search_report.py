"""What the Sweep page says of a search: the best so far, what was tried, what mattered."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from app import theme
from app.navigation import go
from app.pages.sweep import search_charts
from app.session import store
from cifar_core.runs import RunRow
from cifar_core.runs.record.status import is_under_way
from cifar_core.runs.store.sweep_files import Sweep
from cifar_core.runs.sweeps.search_results import (
    Tried,
    conclusion,
    importance,
    ranked,
    runs_needed,
    seconds_left,
    tried,
)

HISTORY, CURVES = "In order", "Curves"
BASIS = (
    "Judged by the best epoch's validation accuracy. Test accuracy is shown but is not for "
    "choosing: chosen by, it would no longer tell how good the choice is."
)


def search_report(sweep: Sweep, rows: Sequence[RunRow]) -> None:
    """Draw what a search has found so far."""
    found = tried(store(), sweep, rows)
    progress(sweep, rows)
    verdict(sweep, found)
    if any(row.history for row in rows):
        with st.container(border=True):
            chart(sweep, found)
    if found:
        table(found)
        mattered(sweep, rows)


def progress(sweep: Sweep, rows: Sequence[RunRow]) -> None:
    """Say how far the search is and how long the rest takes at most."""
    if not sweep.is_active:
        return
    budget, over = sweep.planned_runs, sum(not is_under_way(row.state, row.reason) for row in rows)
    left = seconds_left(sweep, rows)
    text = f"{over} of {theme.plural(budget, 'run')} are over"
    text = f"{text}, at most {theme.duration(left)} left" if left else text
    st.progress(min(1.0, over / budget), text=text)


def verdict(sweep: Sweep, found: Sequence[Tried]) -> None:
    """Say what is best, and offer to go on from there."""
    best = next(iter(ranked(found)), None)
    with st.container(border=True):
        st.markdown(f"**{theme.safe(conclusion(sweep, found))}**")
        st.caption(
            f"{BASIS} The best of many is flattered by having been chosen: train it with several "
            "seeds for an honest number."
        )
        if best and best.row:
            with st.container(horizontal=True):
                if st.button("Put the best into the form", icon=":material/check:", key="best"):
                    go("new_run", clone=best.row.number)
                if st.button(f"Open run {best.row.number}", type="tertiary", key="open_best"):
                    go("run", id=best.row.number)


def chart(sweep: Sweep, found: Sequence[Tried]) -> None:
    """Draw the runs in order, over one of the settings, or epoch by epoch."""
    space = sweep.search["space"] if ranked(found) else {}
    names = {theme.title(name): name for name in space}
    kinds = [*([HISTORY] if ranked(found) else []), *names, CURVES]
    kind = st.segmented_control(
        "Chart", kinds, default=kinds[0], required=True, key=f"chart {len(kinds)}",
        label_visibility="collapsed",
    )  # fmt: skip
    if kind == HISTORY:
        figure = search_charts.history(found)
    elif kind in names:
        name = names[kind]
        log = bool(space[name].get("log"))
        figure = search_charts.by_setting(found, name, kind, log=log)
    else:
        figure = search_charts.curves(found)
    st.plotly_chart(
        figure, key="search_chart", config={"displayModeBar": False},
        alt=f"{kind} of search {sweep.number}",
    )  # fmt: skip


def table(found: Sequence[Tried]) -> None:
    """Draw a line for each run: the finished ones from the best on, then the others."""
    best = ranked(found)
    lines = [*best, *(one for one in found if one not in best)]
    rows = [one.row for one in lines]
    told = ["" if row is None or row.state == "finished" else row.message for row in rows]
    st.dataframe(
        pd.DataFrame(
            {
                "run": [f"run?id={row.number}" if row else None for row in rows],
                "setting": [one.title for one in lines],
                "outcome": [one.outcome for one in lines],
                "best": [percent(row.best_val_accuracy) if row else None for row in rows],
                "course": [row.sparkline or None if row else None for row in rows],
                "time": [theme.duration(row.seconds) if row else "" for row in rows],
                "test": [percent(row.test_accuracy) if row else None for row in rows],
                "message": told,
            }
        ),
        hide_index=True,
        placeholder="",
        column_config=COLUMNS,
        alt="Runs of the search, best first",
    )


def mattered(sweep: Sweep, rows: Sequence[RunRow]) -> None:
    """Say which setting made the difference, or how many runs that takes."""
    if len(sweep.search["space"]) < 2:
        return
    shares = importance(store(), sweep, rows)
    if not shares:
        st.caption(
            f"Which setting mattered most can be said after {runs_needed(sweep)} finished runs."
        )
        return
    with st.container(border=True):
        st.subheader("Which setting mattered", anchor=False)
        for name, share in shares.items():
            st.progress(share, text=f"{theme.title(name)}: {theme.percent(share, 0)}")
        st.caption(
            "How far the settings of the best third differ from those of all runs (PED-ANOVA). "
            "Rough with so few runs, and only about the ranges that were searched."
        )


def percent(value: float | None) -> float | None:
    """Return a share as a percentage."""
    return None if value is None else 100 * value


COLUMNS: dict[str, Any] = {
    "run": st.column_config.LinkColumn("Run", display_text=r"id=(\d+)", width=60),
    "setting": st.column_config.TextColumn("Setting", width=300),
    "outcome": st.column_config.TextColumn(
        "Outcome", width=90, help="Pruned: given up by the search, as it was behind the others."
    ),
    "best": st.column_config.NumberColumn("Best val.", format="%.2f %%", width=90),
    "course": st.column_config.LineChartColumn("Course", y_min=0, y_max=1, width=110),
    "time": st.column_config.TextColumn("Time", width=80),
    "test": st.column_config.NumberColumn("Test", format="%.2f %%", help="Not for choosing."),
    "message": st.column_config.TextColumn("What happened", width="large"),
}
