"""Goal lines in accuracy charts: the accuracies to beat, drawn thin and out of the way."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from cifar_core.numbers import percent
from cifar_core.palette import FAINT
from cifar_core.runs.listing.goals import Goal

NEAR = 0.04  # a goal is drawn unasked up to this accuracy outside the range of the points


def label(goal: Goal) -> str:
    """Return the label of a goal's line; it always says that the accuracy is on test images."""
    return f"{goal.title} {percent(goal.accuracy, 2)} on test"


def goal_shapes(
    goals: Sequence[Goal], *, axis: str = "y"
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the lines and their labels, for a layout's shapes and annotations.

    `axis` is the accuracy axis: "y", "y2", ... or "x" in horizontal charts.
    """
    shapes, labels = [], []
    for goal in goals:
        own = {"yref" if axis[0] == "y" else "xref": axis}
        other = "xref" if axis[0] == "y" else "yref"
        ends = "y" if axis[0] == "y" else "x"
        along = "x" if axis[0] == "y" else "y"
        whole = "paper" if along == "x" else "y domain"
        shapes.append(
            {"type": "line", **own, other: whole, f"{along}0": 0, f"{along}1": 1,
             f"{ends}0": goal.accuracy, f"{ends}1": goal.accuracy,
             "line": {"dash": "dash", "width": 1.2, "color": FAINT}}
        )  # fmt: skip
        anchors = (
            {"x": 0, "xanchor": "left", "y": goal.accuracy, "yanchor": "bottom"}
            if along == "x"
            else {"y": 0, "yanchor": "bottom", "x": goal.accuracy, "xanchor": "left"}
        )
        labels.append(
            {"text": label(goal), **own, other: whole, **anchors, "showarrow": False,
             "font": {"color": FAINT, "size": 11}}
        )  # fmt: skip
    return shapes, labels


def near(goals: Sequence[Goal], low: float, high: float) -> list[Goal]:
    """Return the goals that can be drawn without squeezing accuracies from low to high."""
    return [goal for goal in goals if low - NEAR <= goal.accuracy <= high + NEAR]


def add_goals(figure: go.Figure, goals: Sequence[Goal], *, axis: str = "y") -> go.Figure:
    """Add to a figure the goals that lie near its points; return the figure."""
    points = [
        float(value)
        for trace in figure.data
        for value in (trace[axis[0]] if trace[axis[0]] is not None else ())
        if isinstance(value, int | float)
    ]
    if points:
        shapes, labels = goal_shapes(near(goals, min(points), max(points)), axis=axis)
        for shape in shapes:
            figure.add_shape(shape)
        for annotation in labels:
            figure.add_annotation(annotation)
    return figure
