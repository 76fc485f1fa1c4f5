"""The chart of a planned run: its learning rate, and its momentum where that changes."""

from collections.abc import Sequence

import plotly.graph_objects as go


def schedule_figure(
    epochs: Sequence[float], rates: Sequence[float], momenta: Sequence[float] = ()
) -> go.Figure:
    """Draw the planned learning rate over the epochs, and the momentum below it if given."""
    figure = go.Figure()
    figure.add_scatter(
        x=epochs, y=rates, mode="lines", hovertemplate="epoch %{x:.1f}: %{y:.3g}<extra></extra>"
    )
    figure.update_layout(height=170, margin={"t": 8, "r": 8, "b": 8, "l": 8}, showlegend=False)
    figure.update_xaxes(title="Epoch", showgrid=False, fixedrange=True)
    figure.update_yaxes(rangemode="tozero", nticks=4, tickformat="~g", fixedrange=True)
    if momenta:
        hover = "epoch %{x:.1f}: momentum %{y:.3f}<extra></extra>"
        figure.add_scatter(x=epochs, y=momenta, mode="lines", yaxis="y2", hovertemplate=hover)
        figure.update_layout(
            height=290,
            yaxis={"domain": [0.5, 1.0], "title": "Rate"},
            yaxis2={"domain": [0.0, 0.34], "title": "Momentum", "anchor": "x", "nticks": 4,
                    "tickformat": "~g", "fixedrange": True},
            xaxis={"anchor": "y2"},
        )  # fmt: skip
    return figure
