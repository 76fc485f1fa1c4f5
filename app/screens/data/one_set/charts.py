"""Figures of a data set."""

from collections.abc import Sequence

import plotly.graph_objects as go

from cifar_core.data.review.sizes import Bar


def size_figure(bars: Sequence[Bar], across: str) -> go.Figure:
    """Draw how many pictures are of each width, height or shape; a bar can be clicked."""
    figure = go.Figure()
    figure.add_bar(x=[bar.label for bar in bars], y=[bar.count for bar in bars], name="Images")
    figure.update_layout(
        height=280, margin={"t": 8, "r": 8, "b": 8, "l": 8}, bargap=0.08, clickmode="event+select"
    )
    figure.update_xaxes(type="category", title=across, fixedrange=True)
    figure.update_yaxes(title="Images", fixedrange=True, nticks=5)
    return figure
