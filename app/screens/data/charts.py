"""Figures of a dataset."""

from collections.abc import Sequence

import plotly.graph_objects as go


def count_figure(classes: Sequence[str], train: Sequence[int], test: Sequence[int]) -> go.Figure:
    """Draw how many images each class has."""
    figure = go.Figure()
    for name, counts in (("Training", train), ("Test", test)):
        figure.add_bar(y=classes, x=counts, name=name, orientation="h")
    figure.update_layout(
        barmode="group",
        height=60 + 34 * len(classes),
        margin={"t": 8, "r": 8, "b": 8, "l": 8},
        legend={"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom"},
    )
    figure.update_xaxes(fixedrange=True, nticks=4)
    figure.update_yaxes(autorange="reversed", fixedrange=True, ticksuffix=" ")
    return figure
