"""Figures of the evidence for and against a saliency map."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go

from cifar_core.palette import AGAINST, FAINT, SUPPORTS

if TYPE_CHECKING:
    from cifar_core.explain.trust.curves import ErasingCurves as TrustCurves


def trust_figure(own: "TrustCurves", rivals: "Mapping[str, TrustCurves]", title: str) -> go.Figure:
    """Draw a map's insertion and deletion curves over those of maps made without the network."""
    figure = go.Figure()
    for side, axis in (("insertion", "x"), ("deletion", "x2")):
        for (name, curves), dash in zip(rivals.items(), ("dot", "dash", "solid"), strict=True):
            style = {"color": FAINT, "width": 1, "dash": dash}
            figure.add_trace(share_line(getattr(curves, side), name, axis, style))
        style = {"color": SUPPORTS if side == "insertion" else AGAINST, "width": 3}
        figure.add_trace(share_line(getattr(own, side), title, axis, style))
    figure.update_layout(
        height=260,
        margin={"t": 8, "r": 8, "b": 8, "l": 8},
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        xaxis={"domain": [0, 0.48], "title": "Pixels shown, highest first"},
        xaxis2={"domain": [0.52, 1], "title": "Pixels hidden, highest first", "anchor": "y"},
    )
    figure.update_xaxes(tickformat=".0%", showgrid=False, fixedrange=True, nticks=5)
    figure.update_yaxes(
        title="Probability", tickformat=".0%", rangemode="tozero", fixedrange=True, nticks=5
    )
    return figure


def share_line(curve: Sequence[float], name: str, axis: str, style: dict[str, Any]) -> go.Scatter:
    """Draw a curve over evenly spaced shares from 0 to 1; both panels share one legend entry."""
    return go.Scatter(
        x=np.linspace(0, 1, len(curve)),
        y=curve,
        xaxis=axis,
        name=name,
        legendgroup=name,
        showlegend=axis == "x",
        mode="lines",
        line=style,
        hovertemplate=f"{name} %{{y:.1%}}<extra></extra>",
    )


def cascade_figure(stages: Sequence[Mapping[str, Any]]) -> go.Figure:
    """Draw how similar the maps stay as layers are randomized, starting at the head."""
    figure = go.Figure()
    figure.add_scatter(
        x=[f"{stage['layers']} of {stage['of']}" for stage in stages],
        y=[stage["similarity"] for stage in stages],
        mode="lines+markers",
        hovertemplate="%{x} layers randomized: %{y:.2f}<extra></extra>",
    )
    figure.update_layout(height=190, margin={"t": 8, "r": 8, "b": 8, "l": 8}, showlegend=False)
    figure.update_xaxes(
        title="Randomized layers, starting at the head", type="category", fixedrange=True
    )
    figure.update_yaxes(title="Similarity", range=[-0.55, 1.05], nticks=5, fixedrange=True)
    return figure
