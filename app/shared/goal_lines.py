"""Goal lines on accuracy charts: what there is to beat, drawn thin and never in the way."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from cifar_core.palette import FAINT
from cifar_core.runs.listing.goals import Goal

NEAR = 0.04  # accuracies by which a goal may lie outside the points and still be drawn by itself


def label(goal: Goal) -> str:
    """Name a goal's line; it always says that the number is on test."""
    return f"{goal.title} {goal.accuracy:.2%} on test"


def goal_shapes(
    found: Sequence[Goal], *, axis: str = "y"
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the lines and their words, for a layout's shapes and annotations.

    `axis` is the one that accuracy is on: "y", "y2", ... or "x" for charts that lie down.
    """
    shapes, words = [], []
    for goal in found:
        place = {"yref" if axis[0] == "y" else "xref": axis}
        other = "xref" if axis[0] == "y" else "yref"
        ends = "y" if axis[0] == "y" else "x"
        along = "x" if axis[0] == "y" else "y"
        whole = "paper" if along == "x" else "y domain"
        shapes.append(
            {"type": "line", **place, other: whole, f"{along}0": 0, f"{along}1": 1,
             f"{ends}0": goal.accuracy, f"{ends}1": goal.accuracy,
             "line": {"dash": "dash", "width": 1.2, "color": FAINT}}
        )  # fmt: skip
        anchors = (
            {"x": 0, "xanchor": "left", "y": goal.accuracy, "yanchor": "bottom"}
            if along == "x"
            else {"y": 0, "yanchor": "bottom", "x": goal.accuracy, "xanchor": "left"}
        )
        words.append(
            {"text": label(goal), **place, other: whole, **anchors, "showarrow": False,
             "font": {"color": FAINT, "size": 11}}
        )  # fmt: skip
    return shapes, words


def near(found: Sequence[Goal], low: float, high: float) -> list[Goal]:
    """Keep the goals that can be drawn without squeezing accuracies from low to high."""
    return [goal for goal in found if low - NEAR <= goal.accuracy <= high + NEAR]


def add_goals(figure: go.Figure, found: Sequence[Goal], *, axis: str = "y") -> go.Figure:
    """Draw those goals into a figure that lie near its points; return the figure."""
    points = [
        float(value)
        for trace in figure.data
        for value in (trace[axis[0]] if trace[axis[0]] is not None else ())
        if isinstance(value, int | float)
    ]
    if points:
        shapes, words = goal_shapes(near(found, min(points), max(points)), axis=axis)
        for shape in shapes:
            figure.add_shape(shape)
        for word in words:
            figure.add_annotation(word)
    return figure
