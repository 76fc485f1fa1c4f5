"""The curves of several runs: all in one chart, or one panel per run."""

from collections.abc import Sequence

import streamlit as st

from app import boundary, theme
from app.cache.runs import feed, goals_of
from app.screens.compare import curve_charts
from app.session import Key
from app.shared.goal_lines import goal_shapes
from app.shared.live_chart import live_chart, window
from cifar_core.disk import files
from cifar_core.reading.curves import HALF_LIVES, SMOOTHING
from cifar_core.runs.family.joins import joins
from cifar_core.runs.record.imported.curves_record import NAME, CurvesRecord
from cifar_core.runs.results.side_by_side import RunFacts, is_curves_only

POLL = 2.0  # seconds between two updates while a run trains
TOGETHER = "Together"
CHART = str(Key.COMPARE_CHART)


def curves(runs: Sequence[RunFacts]) -> None:
    """Draw the curves, and update them while one of the runs trains."""
    live = any(facts.run.status.is_under_way for facts in runs)
    boundary.fragment(draw, run_every=POLL if live else None)(runs)


def draw(runs: Sequence[RunFacts]) -> None:
    """Draw the controls and the chart."""
    options = controls(runs)
    tracks = [
        curve_charts.Track(
            number=facts.run.number, title=facts.title, seconds=facts.seconds or 0.0,
            curves=feed(str(facts.run.path)).curves(), planned=facts.run.summary.total_steps,
            joins=joins(facts.run),
            axes=axes_of(facts),
        )
        for facts in runs
    ]  # fmt: skip
    if missing := [track for track in tracks if not curve_charts.is_drawn(track, options)]:
        st.caption(theme.safe(without(missing, options)))
    live_chart(curve_charts.curves_figure(tracks, options), key=CHART)


def axes_of(facts: RunFacts) -> list[str]:
    """Return the axes on which a run can be drawn: all, unless it was imported without some."""
    if not is_curves_only(facts):
        return list(curve_charts.AXES)
    known = files.read(facts.run.path / NAME, CurvesRecord)
    there = {"Step": known.has_steps, "Epoch": known.has_epochs, "Time": facts.seconds}
    return [axis for axis in curve_charts.AXES if there[axis]]


def without(missing: Sequence[curve_charts.Track], options: curve_charts.CurveOptions) -> str:
    """Say which runs are not drawn, and where they would be."""
    said = []
    for track in missing:
        axes = [axis.lower() for axis in track.axes]
        on = "" if options.axis in track.axes else f" by {options.axis.lower()}"
        where = f"; it has them by {' and '.join(axes)}" if on and axes else ""
        part = "training" if options.training else "validation"
        said.append(f"#{track.number} has no {part} curves{on}{where}.")
    return " ".join(said)


def controls(runs: Sequence[RunFacts]) -> curve_charts.CurveOptions:
    """Draw the controls that decide how the curves are drawn; the address keeps them."""
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        curve = st.segmented_control(
            "Curves", ["Validation", "Training"], default="Validation", required=True,
            key="curve", bind="query-params", label_visibility="collapsed",
        )  # fmt: skip
        with st.popover("Axis, smoothing", icon=":material/tune:"):
            axis = st.segmented_control(
                "Axis", list(curve_charts.AXES), default="Epoch", required=True, key="axis",
                bind="query-params", help="Time is training time, at each run's mean speed.",
            )  # fmt: skip
            layout = st.segmented_control(
                "Panels", [TOGETHER, *curve_charts.PANELS], default=TOGETHER, required=True,
                key="panels", bind="query-params",
                help="All runs in one chart, or one panel per run with the other runs in the "
                "background.",
            )  # fmt: skip
            smoothing = smoothing_input() if curve == "Training" else "Off"
            log = st.toggle("Log loss", key="log", bind="query-params")
            goal = st.toggle("Goals", key="goal", bind="query-params",
                             help="Accuracies to beat, all on test images.")  # fmt: skip
    shapes, labels = goal_shapes(goals_of(runs[0].run) if goal else (), axis="y2")
    return curve_charts.CurveOptions(
        axis=axis or "Epoch",
        training=curve == "Training",
        apart="" if layout in (None, TOGETHER) else str(layout),
        smoothing=smoothing,
        log_loss=log,
        window=window(CHART),
        shapes=shapes,
        labels=labels,
        revision=" ".join(facts.run.id for facts in runs),
    )


def smoothing_input() -> str:
    """Draw the choice of how much training curves are smoothed; return a key of SMOOTHING."""
    chosen = st.segmented_control(
        "Smoothing", list(SMOOTHING), default="Light", required=True, key="smoothing",
        bind="query-params", help=HALF_LIVES,
    )  # fmt: skip
    return chosen or "Off"
