"""The Watch tab of a run that has only imported curves."""

import streamlit as st

from app import theme
from app.navigation import go
from app.screens.run.imported import charts
from app.shared.figure import show_figure
from cifar_core.disk import files
from cifar_core.palette import DARK, LIGHT
from cifar_core.runs import Run
from cifar_core.runs.record.imported.curves_record import NAME, CurvesRecord

FIRST = 12  # panels that are drawn without being asked for


@st.cache_data(max_entries=32, show_spinner=False)
def lines(folder: str, stamp: int, _run: Run) -> dict[str, charts.Line]:
    """Return the curves of a run, read once: its rows never change."""
    return charts.lines_of(_run.metrics())


def imported_curves(run: Run) -> None:
    """Draw all curves."""
    known = files.read(run.path / NAME, CurvesRecord)
    every = charts.panels(lines(str(run.path), files.stamp(run.path / NAME), run))
    if not every:
        st.caption("No curve of it can be read.")
        return
    figures(run)
    with st.container(horizontal=True, vertical_alignment="center"):
        by_epoch = axis_of(known) == "Epoch"
        log = st.toggle("Log loss", key="log", bind="query-params")
        if st.button("Compare", icon=":material/compare_arrows:", key="compare_curves"):
            go("compare", runs=run.number)
    shown = every
    if len(every) > FIRST and not st.toggle(f"All {len(every)} curves", key="all_curves"):
        shown = every[:FIRST]
    colors = DARK if st.context.theme.type == "dark" else LIGHT
    with st.grid(2, min_column_width=340, gap="medium"):
        for number, panel in enumerate(shown):
            with st.container():
                st.markdown(f"**{theme.safe(panel.title)}**")
                figure = charts.panel_figure(
                    panel, colors, by_epoch=by_epoch, log=log and panel.title == "Loss"
                )
                show_figure(figure, key=f"imported {number}",
                            alt=f"{panel.title} of the imported run")  # fmt: skip


def axis_of(known: CurvesRecord) -> str:
    """Draw the choice of the horizontal axis where both are known; return it."""
    if known.has_steps and known.has_epochs:
        chosen = st.segmented_control(
            "Axis", ["Step", "Epoch"], default="Step", required=True, key="axis",
            bind="query-params", label_visibility="collapsed",
        )  # fmt: skip
        return chosen or "Step"
    return "Step" if known.has_steps else "Epoch"


def figures(run: Run) -> None:
    """Draw the best and the latest values, as far as they are known."""
    summary = run.summary
    best = f"Epoch {summary.best_epoch}" if summary.best_epoch is not None else "Of all validations"
    said = {
        "Best validation accuracy": (summary.best_val_accuracy, best),
        "Last validation accuracy": (summary.last_val_accuracy, "The last one"),
        "Test accuracy": (summary.test_accuracy, "The last value in the file"),
    }
    there = {title: said for title, said in said.items() if said[0] is not None}
    if there:
        with st.container(horizontal=True, gap="large"):
            for title, (value, note) in there.items():
                st.metric(title, theme.percent(value), width="content", help=note)
