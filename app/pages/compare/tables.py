"""Several runs in tables and charts: results, settings, accuracy against cost, all settings."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from app import theme
from app.pages.compare import charts
from app.session import Key, store
from app.shared.live_chart import live_chart
from cifar_core.runs import TRAINING
from cifar_core.runs.results.side_by_side import RunFacts, setting_rows
from cifar_core.settings import names_of

LEAST = 3  # runs of which parallel coordinates show more than a table


def results(found: Sequence[RunFacts]) -> None:
    """Draw the runs' results, one line for each."""
    rows = {
        "Run": [theme.safe(one.title) for one in found],
        "Best validation": [theme.percent(one.best, 2) for one in found],
        "At epoch": [f"{one.best_epoch:g} of {one.epochs:g}" if one.best_epoch else theme.NONE
                     for one in found],
        "Last": [theme.percent(one.last, 2) for one in found],
        "Gap": [theme.points(one.gap) for one in found],
        "Test": [theme.percent(one.test, 2) for one in found],
        "Time": [theme.duration(one.seconds) for one in found],
        "Parameters": [theme.magnitude(one.parameters) if one.parameters else theme.NONE
                       for one in found],
        "Images/s": [theme.count(one.images_per_second) if one.images_per_second else theme.NONE
                     for one in found],
    }  # fmt: skip
    st.table(rows, border="horizontal", hide_index=True, alt="Results of the runs")
    st.caption(
        "Gap: training less validation accuracy in the last epoch, in points; training images "
        "are augmented. Test: for the report, not for choosing."
    )


def settings(found: Sequence[RunFacts], base: RunFacts) -> None:
    """Draw the settings, those that differ first and alone unless all are asked for."""
    everything = st.toggle("All settings", key="all_settings", bind="query-params")
    with st.skeleton(height=160):
        rows = setting_rows([one.run for one in found])
    shown = [row for row in rows if everything or row.differs]
    if not shown:
        st.caption("The runs have the same settings.")
        return
    place = [one.run.id for one in found].index(base.run.id)
    order = [place, *(other for other in range(len(found)) if other != place)]
    columns = {"Setting": [f"**{r.label}**" if r.differs and everything else r.label
                           for r in shown]}  # fmt: skip
    for other in order:
        name = f"#{found[other].run.number}" + (" (baseline)" if other == place else "")
        columns[name] = [theme.safe(row.words(other, place)) for row in shown]
    st.table(columns, border="horizontal", hide_index=True, alt="Settings of the runs")
    st.caption("Rates: in brackets how many times the baseline's. A dash: means nothing there.")


def cost(found: Sequence[RunFacts]) -> None:
    """Draw accuracy against what it cost."""
    with st.grid(2, min_column_width=340):
        for name in charts.COSTS:
            with st.container():
                live_chart(charts.cost_figure(found, name), key=f"{Key.COSTS} {name}")
    st.caption("Line: the Pareto front, runs that nothing cheaper beats.")


def parallel(found: Sequence[RunFacts]) -> None:
    """Draw the settings that differ as parallel coordinates, of these runs or of all."""
    from cifar_core.config import TrainConfig

    with st.container(horizontal=True, vertical_alignment="center"):
        everything = st.toggle("All runs of the store", key="all_runs", bind="query-params")
        if st.button("Reset", icon=":material/restart_alt:", type="tertiary", key="reset brushes",
                     help="Takes back every range drawn on an axis."):  # fmt: skip
            st.session_state["brush"] = st.session_state.get("brush", 0) + 1
    known = of_store() if everything else [
        (one.run.settings, one.best) for one in found if one.best is not None
    ]  # fmt: skip
    if len(known) < LEAST:
        st.caption(f"Parallel coordinates need {LEAST} runs.")
        return
    left_out = names_of(TrainConfig, lambda rule: rule.scope == "machine")
    kept = [{k: v for k, v in values.items() if k not in left_out} for values, _ in known]
    logs = names_of(TrainConfig, lambda rule: rule.log_scale)
    figure = charts.parallel_figure(kept, [best for _, best in known], logs)
    st.plotly_chart(figure, key=f"parallel {st.session_state.get('brush', 0)}",
                    config={"displayModeBar": False})  # fmt: skip
    st.caption("A line for each run, brighter for more accurate. Drag along an axis to choose.")


def of_store() -> list[tuple[dict[str, Any], float]]:
    """Return the settings and the best validation accuracies of all runs that trained."""
    rows = [row for row in store().runs() if row.kind == TRAINING and row.best_val_accuracy]
    return [(row.settings, row.best_val_accuracy or 0.0) for row in rows]
