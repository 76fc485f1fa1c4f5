"""Marks in charts of curves: where a run continues from another one, whose curve is before it."""

from collections.abc import Sequence
from html import escape
from typing import Any

import plotly.graph_objects as go

from cifar_core.palette import FAINT
from cifar_core.runs.family.joins import Join

LATE = 0.6  # of the axis, from which on a label stands to the left of its line


def join_shapes(
    joins: Sequence[Join],
    places: Sequence[float],
    end: float,
    *,
    below: str = "paper",
    top: float = 1.0,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the lines and their labels, for a layout's shapes and annotations.

    `places` are those of the joins on the horizontal axis, which goes from 0 to `end`. The labels
    stand at the upper end of the vertical axis `below`, such as "y2 domain"; the lines end at `top`
    of the chart, a share of its height.
    """
    shapes, labels = [], []
    for join, place in zip(joins, places, strict=True):
        is_late = place > LATE * end
        shapes.append(
            {"type": "line", "xref": "x", "yref": "paper", "x0": place, "x1": place,
             "y0": 0, "y1": top, "layer": "below",
             "line": {"dash": "dashdot", "width": 1.2, "color": FAINT}}
        )  # fmt: skip
        side = {"xanchor": "right", "xshift": -3} if is_late else {"xanchor": "left", "xshift": 3}
        labels.append(
            {"text": escape(join.label, quote=False), "xref": "x", "x": place, **side,
             "yref": below, "y": 1, "yanchor": "top", "showarrow": False,
             "font": {"color": FAINT, "size": 11}}
        )  # fmt: skip
    return shapes, labels


def add_joins(figure: go.Figure, joins: Sequence[Join], end: float) -> go.Figure:
    """Mark in a figure over epochs, up to `end`, where a run continues from others; return it."""
    shapes, labels = join_shapes(joins, [join.epoch for join in joins], end)
    for shape in shapes:
        figure.add_shape(shape)
    for label in labels:
        figure.add_annotation(label)
    return figure
