"""The curves of several runs: over each other, or each in a panel of its own."""

from collections.abc import Sequence

import streamlit as st

from app.cache.runs import feed, goals_of
from app.pages.compare import curve_charts
from app.session import Key
from app.shared.goal_lines import goal_shapes
from app.shared.live_chart import live_chart, window
from cifar_core.runs.results.side_by_side import RunFacts

SMOOTHING = {"Off": 0, "Light": 10, "Medium": 50, "Strong": 250}  # half-lives in steps
POLL = 2.0  # seconds between two looks while a run trains
TOGETHER = "Together"
CHART = str(Key.COMPARED)


def curves(found: Sequence[RunFacts]) -> None:
    """Draw the curves, again and again while one of the runs is under way."""
    live = any(one.run.status.is_under_way for one in found)
    st.fragment(draw, run_every=POLL if live else None)(found)


def draw(found: Sequence[RunFacts]) -> None:
    """Draw the choices and the chart."""
    look = controls(found)
    tracks = [
        curve_charts.Track(
            number=one.run.number, title=one.title, seconds=one.seconds or 0.0,
            curves=feed(str(one.run.path)).curves(),
        )
        for one in found
    ]  # fmt: skip
    live_chart(curve_charts.curves_figure(tracks, look), key=CHART)


def controls(found: Sequence[RunFacts]) -> curve_charts.CurveOptions:
    """Draw the choices of how to see the curves; the address keeps them."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        curve = st.segmented_control(
            "Curves", ["Validation", "Training"], default="Validation", required=True,
            key="curve", bind="query-params",
        )  # fmt: skip
        axis = st.segmented_control(
            "Axis", list(curve_charts.AXES), default="Epoch", required=True, key="axis",
            bind="query-params", help="Time is that of training, at each run's mean pace.",
        )  # fmt: skip
        layout = st.segmented_control(
            "Panels", [TOGETHER, *curve_charts.PANELS], default=TOGETHER, required=True,
            key="panels", bind="query-params", 
            help="All runs together, or one panel for each run with its loss or its accuracy "
            "before the others'.",
        )  # fmt: skip
        smoothing = "Off"
        if curve == "Training":
            smoothing = st.segmented_control(
                "Smoothing", list(SMOOTHING), default="Light", required=True, key="smoothing",
                bind="query-params", help="Half-life of the average: 10, 50 or 250 steps.",
            ) or "Off"  # fmt: skip
        log = st.toggle("Log loss", key="log", bind="query-params")
        goal = st.toggle("Goals", key="goal", bind="query-params",
                         help="Accuracies on the test images that there are to beat.")  # fmt: skip
    shapes, words = goal_shapes(goals_of(found[0].run) if goal else (), axis="y2")
    return curve_charts.CurveOptions(
        axis=axis or "Epoch",
        training=curve == "Training",
        apart="" if layout in (None, TOGETHER) else str(layout),
        half_life=SMOOTHING[smoothing],
        log_loss=log,
        window=window(CHART),
        shapes=shapes,
        words=words,
        revision=" ".join(one.run.id for one in found),
    )
