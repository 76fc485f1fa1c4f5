"""A hyperparameter search on the Sweep page: the best so far, all runs, and what mattered."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from app import theme
from app.navigation import go
from app.screens.sweep import search_charts
from app.session import store
from app.shared.figure import show_figure
from cifar_core.runs import RunRow
from cifar_core.runs.record.status import is_under_way
from cifar_core.runs.store.sweep_files import Sweep
from cifar_core.runs.sweeps.search_results import (
    Proposal,
    conclusion,
    importance,
    ranked,
    runs_needed,
    seconds_left,
    tried,
)

HISTORY, CURVES = "In order", "Curves"
BASIS = (
    "Ranked by the best epoch's validation accuracy. Test accuracy is shown but is not for "
    "choosing: if used for choosing, it would no longer be an unbiased estimate."
)


def search_report(sweep: Sweep, rows: Sequence[RunRow]) -> None:
    """Draw the results of a search so far."""
    proposals = tried(store(), sweep, rows)
    progress(sweep, rows)
    verdict(sweep, proposals)
    if any(row.history for row in rows):
        with st.container(border=True):
            chart(sweep, proposals)
    if proposals:
        table(proposals)
        settings_that_mattered(sweep, rows)


def progress(sweep: Sweep, rows: Sequence[RunRow]) -> None:
    """Say how far the search is, and how long the rest takes at most."""
    if not sweep.is_active:
        return
    budget = sweep.planned_runs
    ended = sum(not is_under_way(row.state, row.reason) for row in rows)
    left = seconds_left(sweep, rows)
    text = f"{ended} of {theme.plural(budget, 'run')} done"
    text = f"{text}, at most {theme.duration(left)} left" if left else text
    st.progress(min(1.0, ended / budget), text=text)


def verdict(sweep: Sweep, proposals: Sequence[Proposal]) -> None:
    """Say which run is best, and offer to use its settings."""
    best = next(iter(ranked(proposals)), None)
    with st.container(border=True):
        st.markdown(f"**{theme.safe(conclusion(sweep, proposals))}**")
        st.caption(
            f"{BASIS} The best of many runs looks better than it is because it was selected: train "
            "its settings with several seeds for an unbiased number."
        )
        if best and best.row:
            with st.container(horizontal=True):
                label = "Use the best settings in a new run"
                if st.button(label, icon=":material/check:", key="best"):
                    go("train", clone=best.row.number)
                if st.button(f"Open run {best.row.number}", type="tertiary", key="open_best"):
                    go("run", id=best.row.number)


def chart(sweep: Sweep, proposals: Sequence[Proposal]) -> None:
    """Draw the runs in order, over one of the settings, or by epoch."""
    space = sweep.search["space"] if ranked(proposals) else {}
    names = {theme.title(name): name for name in space}
    kinds = [*([HISTORY] if ranked(proposals) else []), *names, CURVES]
    kind = st.segmented_control(
        "Chart", kinds, default=kinds[0], required=True, key=f"chart {len(kinds)}",
        label_visibility="collapsed",
    )  # fmt: skip
    if kind == HISTORY:
        figure = search_charts.history(proposals)
    elif kind in names:
        name = names[kind]
        log = bool(space[name].get("log"))
        figure = search_charts.by_setting(proposals, name, kind, log=log)
    else:
        figure = search_charts.curves(proposals)
    show_figure(
        figure,
        key="search_chart",
        alt=f"{kind} of search {sweep.number}",
    )


def table(proposals: Sequence[Proposal]) -> None:
    """Draw a row for each run: the finished ones, the best first, then the others."""
    best = ranked(proposals)
    lines = [*best, *(proposal for proposal in proposals if proposal not in best)]
    rows = [proposal.row for proposal in lines]
    messages = ["" if row is None or row.state == "finished" else row.message for row in rows]
    st.dataframe(
        pd.DataFrame(
            {
                "run": [f"run?id={row.number}" if row else None for row in rows],
                "setting": [proposal.title for proposal in lines],
                "outcome": [proposal.outcome for proposal in lines],
                "best": [percent(row.best_val_accuracy) if row else None for row in rows],
                "curve": [row.sparkline or None if row else None for row in rows],
                "time": [theme.duration(row.seconds) if row else "" for row in rows],
                "test": [percent(row.test_accuracy) if row else None for row in rows],
                "message": messages,
            }
        ),
        hide_index=True,
        placeholder="",
        column_config=COLUMNS,
        alt="Runs of the search, best first",
    )


def settings_that_mattered(sweep: Sweep, rows: Sequence[RunRow]) -> None:
    """Say which settings made the difference, or how many runs that needs."""
    if len(sweep.search["space"]) < 2:
        return
    shares = importance(store(), sweep, rows)
    if not shares:
        st.caption(f"Which settings mattered is shown after {runs_needed(sweep)} finished runs.")
        return
    with st.container(border=True):
        st.subheader("Which settings mattered", anchor=False)
        for name, share in shares.items():
            st.progress(share, text=f"{theme.title(name)}: {theme.percent(share, 0)}")
        st.caption(
            "How much the settings of the best third differ from those of all runs (PED-ANOVA). "
            "A rough estimate that applies only to the searched ranges."
        )


def percent(value: float | None) -> float | None:
    """Return a share as a percentage."""
    return None if value is None else 100 * value


COLUMNS: dict[str, Any] = {
    "run": st.column_config.LinkColumn("Run", display_text=r"id=(\d+)", width=60),
    "setting": st.column_config.TextColumn("Setting", width=300),
    "outcome": st.column_config.TextColumn(
        "Outcome", width=90, help="Pruned: stopped early by the search, behind the others."
    ),
    "best": st.column_config.NumberColumn("Validation", format="%.2f %%", width=90),
    "curve": st.column_config.LineChartColumn("How it went", y_min=0, y_max=1, width=110),
    "time": st.column_config.TextColumn("Time", width=80),
    "test": st.column_config.NumberColumn("Test", format="%.2f %%", help="Not for choosing."),
    "message": st.column_config.TextColumn("What happened", width="large"),
}
