"""The live curves, and the two popovers that change what is drawn."""

import numpy as np
import streamlit as st

from app import theme
from app.cache.runs import goals_of
from app.screens.run.watch import charts
from app.session import Key
from app.shared.live_chart import live_chart, window
from cifar_core.evaluation.measures import MEASURES, measure_of
from cifar_core.reading.curves import HALF_LIVES, SMOOTHING, Curves, half_life
from cifar_core.runs import Run, RunStatus
from cifar_core.runs.family.joins import joins
from cifar_core.runs.record.figures.summary_record import Summary
from cifar_core.statistics.class_shares import are_uneven

CHART = str(Key.CHART)
BALANCED = MEASURES["balanced_accuracy"]
GOALS = (
    "Target lines: the course's simple CNN (66.71 %) and ResNet (90.27 %) for the classes of "
    "CIFAR-10, and the best run on the same images in this store. All are test accuracies."
)


def live_curves(
    run: Run, status: RunStatus, summary: Summary, curves: Curves
) -> charts.LiveOptions:
    """Draw the chart with its popovers below it; return how it is drawn."""
    chart = st.container()  # always there: a chart that moves forgets its zoom
    with st.container(horizontal=True, vertical_alignment="center"):
        options = controls(run, status, summary, curves)
    with chart:
        live_chart(charts.live_figure(curves, options), key=CHART)
    return options


def controls(run: Run, status: RunStatus, summary: Summary, curves: Curves) -> charts.LiveOptions:
    """Draw the controls of the chart; the address keeps what is chosen."""
    with st.popover("Axis, smoothing", icon=":material/tune:", type="tertiary"):
        axis = st.segmented_control(
            "Axis", ["Step", "Epoch"], default="Step", required=True, key="axis",
            bind="query-params",
        )  # fmt: skip
        smoothing = st.segmented_control(
            "Smoothing", list(SMOOTHING), default="Light", required=True, key="smoothing",
            bind="query-params",
            help=f"{HALF_LIVES} Validation and the learning rate are never smoothed.",
        )  # fmt: skip
        log = st.toggle("Log loss", key="log", bind="query-params")
        goal = st.toggle("Goals", key="goal", bind="query-params", help=GOALS)
    uneven = are_uneven(run.environment.data.train_counts)
    balanced = uneven and bool(np.isfinite(curves.val_balanced_accuracy).any())
    offered = {key: one for key, one in charts.MORE.items() if uneven or not one.of_epochs}
    with st.popover("More curves", icon=":material/stacked_line_chart:", type="tertiary"):
        more = st.pills(
            "Below accuracy and loss", [panel.title for panel in offered.values()],
            selection_mode="multi", key="more", bind="query-params",
        )  # fmt: skip
        st.caption(pace(status, summary, curves))
    return charts.LiveOptions(
        by_epoch=axis == "Epoch",
        half_life=half_life(smoothing or "Off", summary.total_steps),
        log_loss=log,
        goals=goals_of(run) if goal else [],
        joins=joins(run),
        more=[key for key, panel in offered.items() if panel.title in more],
        balanced=balanced,
        starred=BALANCED.row_name
        if balanced and measure_of(run.settings) is BALANCED
        else "val_accuracy",
        window=window(CHART),
        revision=run.id,
    )


def pace(status: RunStatus, summary: Summary, curves: Curves) -> str:
    """Say how fast the run is, how long it has taken, and its latest training loss."""
    words = []
    if speed := summary.images_per_second:
        words.append(f"{theme.count(speed)} images per second")
    if spent := summary.seconds:
        words.append(f"{theme.duration(spent)} {'so far' if status.is_under_way else 'in total'}")
    if len(curves.train_loss):
        words.append(f"training loss {curves.train_loss[-1]:.3f} in the latest steps")
    text = ", ".join(words)
    return text[:1].upper() + text[1:] + "." if text else ""
