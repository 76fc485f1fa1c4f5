"""Figures of a rate search: the range test and the race."""

from math import log10

import plotly.graph_objects as go

from cifar_core.palette import BLUE, FAINT, GRAY, GREEN, ORANGE, RED, faded
from cifar_core.rate_search.record import Candidate, Record

LEARNING, PLATEAU = faded(GRAY, 0.13), faded(GREEN, 0.16)
HEIGHT = 330


def range_test_figure(results: Record) -> go.Figure:
    """Draw the loss after a step at each rate, and the range that is left to the race."""
    figure = plain("Learning rate", "Loss after the step")
    figure.add_scatter(
        x=results.rates, y=results.losses, mode="markers", name="Each step",
        marker={"size": 5, "color": FAINT}, hovertemplate="%{x:.2g}: %{y:.3f}<extra></extra>",
    )  # fmt: skip
    figure.add_scatter(
        x=results.rates[: len(results.smooth)], y=results.smooth, mode="lines", name="Smoothed",
        line={"width": 2, "color": BLUE}, hoverinfo="skip",
    )  # fmt: skip
    if results.bracket:
        shade(figure, results.bracket["onset"], results.bracket["edge"], LEARNING, "learning")
        top = 1.15 * results.bracket["start_loss"]
        lowest = min((loss for loss in results.losses if loss is not None), default=0.0)
        figure.update_yaxes(range=[lowest - 0.1, top])
    return figure


def race_figure(results: Record, own: float, usual: float) -> go.Figure:
    """Draw the loss of each candidate, the plateau, and the usual, own and suggested rates."""
    figure = plain("Learning rate", "Loss at the end")
    first = [c for c in results.candidates if c.first is not None]
    finals = [c for c in results.candidates if c.final is not None]
    figure.add_scatter(
        x=[c.rate for c in first], y=[c.first for c in first], mode="lines+markers",
        name="After the first lap", line={"width": 1, "dash": "dot", "color": FAINT},
        marker={"size": 6}, hovertemplate="%{x:.3g}: %{y:.3f}<extra></extra>",
    )  # fmt: skip
    figure.add_scatter(
        x=[c.rate for c in finals], y=[c.final for c in finals], mode="lines+markers",
        name="After the cool-down", line={"width": 2, "color": BLUE}, marker={"size": 9},
        error_y={"type": "data", "array": [c.error or 0.0 for c in finals], "width": 4},
        hovertemplate="%{x:.3g}: %{y:.3f}<extra></extra>",
    )  # fmt: skip
    dropped = [c for c in results.candidates if not c.alive]
    if dropped:
        figure.add_scatter(
            x=[c.rate for c in dropped], y=[ceiling(results.candidates)] * len(dropped),
            mode="markers", name="Dropped out",
            marker={"symbol": "x", "size": 10, "color": RED},
            hovertemplate="%{x:.3g} dropped out<extra></extra>",
        )  # fmt: skip
    mark(figure, usual, "usual", FAINT, 0.0)
    if own != usual:
        mark(figure, own, "yours", ORANGE, 0.08)
    if results.suggestion and results.suggestion["advice"] != "none":
        low, high = results.suggestion["plateau_low"], results.suggestion["plateau_high"]
        shade(figure, low, high, PLATEAU, "")
        mark(figure, results.suggestion["rate"], f"{results.suggestion['rate']:g}", BLUE, 0.16)
    return figure


def ceiling(candidates: list[Candidate]) -> float:
    """Return a loss above all that are drawn."""
    losses = [loss for c in candidates for loss in (c.first, c.final) if loss is not None]
    return 1.05 * max(losses, default=1.0)


def plain(x: str, y: str) -> go.Figure:
    """Return an empty figure with a logarithmic axis of rates."""
    figure = go.Figure()
    figure.update_layout(
        height=HEIGHT,
        margin={"t": 34, "r": 12, "b": 8, "l": 8},
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        uirevision="search",
    )
    figure.update_xaxes(title=x, type="log", showgrid=False, dtick=1, tickformat="~g")
    figure.update_yaxes(title=y, nticks=6)
    return figure


def shade(figure: go.Figure, low: float, high: float, color: str, label: str) -> None:
    """Shade a range of rates and name it."""
    figure.add_vrect(x0=low, x1=high, fillcolor=color, line_width=0, layer="below")
    if label:
        write(figure, high, 0.05, label, FAINT, "right")


def write(figure: go.Figure, rate: float, height: float, text: str, color: str, side: str) -> None:
    """Write a text beside a rate, anchored at its `side`; height from 0 to 1.

    A rate that is not positive, as in a damaged file, has no place on a logarithmic axis.
    """
    if rate <= 0:
        return
    figure.add_annotation(
        x=log10(rate), y=height, yref="paper", text=text, showarrow=False, xanchor=side,
        xshift=4 if side == "left" else -4, font={"color": color},
    )  # fmt: skip


def mark(figure: go.Figure, rate: float, label: str, color: str, lower: float) -> None:
    """Draw a labeled line at a rate; `lower` keeps the labels of several lines apart."""
    figure.add_vline(x=rate, line={"width": 1.5, "dash": "dash", "color": color}, layer="below")
    write(figure, rate, 1 - lower, label, color, "left")
