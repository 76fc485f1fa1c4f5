"""Figures of the evidence for and against a saliency map."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go

from cifar_core.palette import AGAINST, SUPPORTS

if TYPE_CHECKING:
    from cifar_core.explain.trust.curves import ErasingCurves as TrustCurves


def trust_figure(curves: "TrustCurves") -> go.Figure:
    """Draw a map's insertion and deletion curves."""
    figure = go.Figure()
    figure.add_trace(share_line(curves.insertion, "Insertion", "x", SUPPORTS))
    figure.add_trace(share_line(curves.deletion, "Deletion", "x2", AGAINST))
    figure.update_layout(
        height=230,
        margin={"t": 8, "r": 8, "b": 8, "l": 8},
        showlegend=False,
        xaxis={"domain": [0, 0.48], "title": "Pixels shown, highest first"},
        xaxis2={"domain": [0.52, 1], "title": "Pixels hidden, highest first", "anchor": "y"},
    )
    figure.update_xaxes(tickformat=".0%", showgrid=False, fixedrange=True, nticks=5)
    figure.update_yaxes(
        title="Probability", tickformat=".0%", rangemode="tozero", fixedrange=True, nticks=5
    )
    return figure


def share_line(curve: Sequence[float], name: str, axis: str, color: str) -> go.Scatter:
    """Draw a curve over evenly spaced shares from 0 to 1."""
    return go.Scatter(
        x=np.linspace(0, 1, len(curve)),
        y=curve,
        xaxis=axis,
        name=name,
        mode="lines",
        line={"color": color, "width": 3},
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
