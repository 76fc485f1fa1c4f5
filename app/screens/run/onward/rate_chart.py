"""The learning rate of a run as it was, and as it will be once the run is trained on."""

from collections.abc import Sequence

import plotly.graph_objects as go

from cifar_core.palette import FAINT

Line = tuple[Sequence[float], Sequence[float]]  # epochs and rates
HOVER = "epoch %{x:.2f}: %{y:.3g}<extra></extra>"


def rates_figure(past: Line, new: Line, join: float, end: int) -> go.Figure:
    """Draw both parts up to the epoch `end`, with a mark between them at the epoch `join`."""
    figure = go.Figure()
    figure.add_scatter(x=past[0], y=past[1], name="So far", mode="lines", hovertemplate=HOVER)
    figure.add_scatter(
        x=new[0], y=new[1], name="From now on", mode="lines", line={"dash": "dash", "width": 2.5},
        hovertemplate=HOVER,
    )  # fmt: skip
    figure.add_vline(x=join, line={"dash": "dashdot", "width": 1.2, "color": FAINT})
    figure.update_layout(
        height=240, margin={"t": 8, "r": 8, "b": 8, "l": 8},
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
    )  # fmt: skip
    figure.update_xaxes(title="Epoch", showgrid=False, fixedrange=True, range=[0, 1.01 * end])
    figure.update_yaxes(title="Learning rate", rangemode="tozero", nticks=5, tickformat="~g",
                        fixedrange=True)  # fmt: skip
    return figure
