"""Several runs in tables and charts: results, settings, accuracy against cost, all settings."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from app import theme
from app.screens.compare import charts
from app.session import Key, store
from app.shared.figure import show_figure
from app.shared.live_chart import live_chart
from cifar_core.reading.ends import ENDS, LAST_EPOCH
from cifar_core.runs import TRAINING
from cifar_core.runs.results.side_by_side import RunFacts, setting_rows
from cifar_core.settings import names_of

LEAST = 3  # runs from which parallel coordinates show more than a table


def results(runs: Sequence[RunFacts]) -> None:
    """Draw the runs' results, one row per run."""
    speeds = [facts.images_per_second for facts in runs]
    rows = {
        "Run": [theme.safe(facts.title) for facts in runs],
        "Validation": [theme.percent(facts.best, 2) for facts in runs],
        **beside_accuracy(runs),
        "Best at": [f"{facts.best_epoch:g} of {facts.epochs:g}" if facts.best_epoch
                    else theme.NONE for facts in runs],
        **ends(runs),
        "Last": [theme.percent(facts.last, 2) for facts in runs],
        "Gap": [theme.points(facts.gap) for facts in runs],
        "Test": [theme.percent(facts.test, 2) for facts in runs],
        **beside_test(runs),
        "Time": [theme.duration(facts.seconds) for facts in runs],
        "Parameters": [theme.magnitude(facts.parameters) if facts.parameters else theme.NONE
                       for facts in runs],
        "Images/s": [theme.count(speed) if speed else theme.NONE for speed in speeds],
    }  # fmt: skip
    st.table(rows, border="horizontal", hide_index=True, alt="Results of the runs")
    st.caption(
        "Gap: training minus validation accuracy in the last epoch, in points. Training accuracy "
        "is measured with any augmentation and dropout, on the images in the order that the run "
        "sets. Use Test for reporting, not for choosing."
    )


def ends(runs: Sequence[RunFacts]) -> dict[str, list[str]]:
    """Return the column of why training ended; none if no run ended before its last epoch."""
    if all(facts.end in ("", LAST_EPOCH) for facts in runs):
        return {}
    return {"Ended by": [ENDS[facts.end].title if facts.end in ENDS else theme.NONE
                         for facts in runs]}  # fmt: skip


def beside_accuracy(runs: Sequence[RunFacts]) -> dict[str, list[str]]:
    """Return the columns that uneven classes need beside the accuracy; none for even ones."""
    if not any(facts.uneven for facts in runs):
        return {}
    return {
        "Balanced": [theme.percent(facts.balanced, 2) for facts in runs],
        "Macro F1": [theme.percent(facts.f1, 2) for facts in runs],
    }


def beside_test(runs: Sequence[RunFacts]) -> dict[str, list[str]]:
    """Return the column that uneven classes need beside the test accuracy."""
    if not any(facts.uneven for facts in runs):
        return {}
    return {"Test balanced": [theme.percent(facts.test_balanced, 2) for facts in runs]}


def settings(runs: Sequence[RunFacts], base: RunFacts) -> None:
    """Draw the settings that differ, or all of them with these first."""
    everything = st.toggle("All settings", key="all_settings", bind="query-params")
    with st.skeleton(height=160):
        rows = setting_rows([facts.run for facts in runs])
    shown = [row for row in rows if everything or row.differs]
    if not shown:
        st.caption("The runs have the same settings.")
        return
    first = [facts.run.id for facts in runs].index(base.run.id)
    order = [first, *(other for other in range(len(runs)) if other != first)]
    columns = {"Setting": [f"**{r.label}**" if r.differs and everything else r.label
                           for r in shown]}  # fmt: skip
    for column in order:
        name = f"#{runs[column].run.number}" + (" (baseline)" if column == first else "")
        columns[name] = [theme.safe(row.words(column, first)) for row in shown]
    st.table(columns, border="horizontal", hide_index=True, alt="Settings of the runs")
    st.caption(
        "For rates, the factor relative to the baseline is in parentheses. A dash means that the "
        "setting does not apply."
    )


def cost(runs: Sequence[RunFacts]) -> None:
    """Draw accuracy against what it cost, as far as that is known."""
    known = {name: points for name in charts.COSTS if (points := charts.cost_points(runs, name))}
    if not known:
        st.caption(
            "No run here has both a validation accuracy and a known time or number of parameters."
        )
        return
    with st.grid(2, min_column_width=340):
        for name, points in known.items():
            with st.container():
                live_chart(charts.cost_figure(points, name), key=f"{Key.COST_CHART} {name}")
    st.caption("The line is the Pareto front: for a run on it, no cheaper run is more accurate.")


def parallel(runs: Sequence[RunFacts]) -> None:
    """Draw the settings that differ as parallel coordinates, of these runs or of all."""
    from cifar_core.config import TrainConfig

    with st.container(horizontal=True, vertical_alignment="center"):
        everything = st.toggle("All runs in the store", key="all_runs", bind="query-params")
        if st.button("Reset", icon=":material/restart_alt:", type="tertiary", key="reset brushes",
                     help="Clears every range selected on an axis."):  # fmt: skip
            st.session_state["brush"] = st.session_state.get("brush", 0) + 1
    drawn = of_store() if everything else [
        (facts.run.settings, facts.best) for facts in runs if facts.best is not None
    ]  # fmt: skip
    if len(drawn) < LEAST:
        st.caption(f"Parallel coordinates need at least {LEAST} runs.")
        return
    left_out = names_of(TrainConfig, lambda rule: rule.scope == "machine")
    kept = [{k: v for k, v in values.items() if k not in left_out} for values, _ in drawn]
    logs = names_of(TrainConfig, lambda rule: rule.log_scale)
    figure = charts.parallel_figure(kept, [best for _, best in drawn], logs)
    brush = st.session_state.get("brush", 0)
    show_figure(figure, key=f"parallel {brush}", alt="Settings and accuracy of each run")
    st.caption("One line per run, brighter when more accurate. Drag along an axis to select runs.")


def of_store() -> list[tuple[dict[str, Any], float]]:
    """Return the settings and the best validation accuracy of every training run with a result."""
    rows = [row for row in store().seen() if row.kind == TRAINING and row.best_val_accuracy]
    return [(row.settings, row.best_val_accuracy or 0.0) for row in rows]
