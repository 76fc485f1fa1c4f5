"""Figures of one run: its live curves, and where the time of a step goes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from app.shared.charts import LiveFigure, thinned
from app.shared.goal_lines import goal_shapes
from cifar_core.reading.curves import Curves, smooth
from cifar_core.runs.listing.goals import Goal
from cifar_core.runs.record.profiles import Bar, percent

TRAINING, VALIDATION, RATE = 0, 1, 2  # indexes into the theme's list of colors
GHOST = 0.28  # opacity of the points behind a smoothed line


@dataclass(frozen=True, kw_only=True)
class LiveOptions:
    """How the curves are to be drawn."""

    by_epoch: bool = False  # horizontal axis; optimization steps if not
    half_life: float = 0.0  # of the smoothing, in steps; 0 for none
    log_loss: bool = False
    goals: Sequence[Goal] = ()  # target lines
    window: tuple[float, float] | None = None  # enlarged part of the horizontal axis
    revision: str = ""  # when it changes, zoom and hidden legend entries are reset


def live_figure(curves: Curves, options: LiveOptions) -> LiveFigure:
    """Draw loss, accuracy and learning rate in three panels on one horizontal axis.

    The traces and their order are always the same, so that a hidden one stays hidden.
    """
    steps = curves.step_epoch if options.by_epoch else curves.step
    epochs = curves.epoch if options.by_epoch else curves.epoch_step
    loss = smooth(curves.train_loss, curves.step, options.half_life)
    accuracy = smooth(curves.train_accuracy, curves.step, options.half_life)
    ghost = steps if options.half_life > 0 else steps[:0]
    best = slice(None, 0) if curves.best is None else slice(curves.best, curves.best + 1)
    drawn = [
        (training_line("training loss %{y:.3f}", "y", ghost=True), ghost, curves.train_loss),
        (training_line("training loss %{y:.3f}", "y"), steps, loss),
        (validation_line("validation loss %{y:.3f}", "y"), epochs, curves.val_loss),
        (training_line("", "y2", ghost=True), ghost, curves.train_accuracy),
        (training_line("training accuracy %{y:.1%}", "y2"), steps, accuracy),
        (validation_line("validation accuracy %{y:.1%}", "y2"), epochs, curves.val_accuracy),
        (star(), epochs[best], curves.val_accuracy[best]),
        (rate(), steps, curves.learning_rate),
    ]
    arrays = [a for _, x, y in drawn for a in thinned(x, y[: len(x)], options.window)]
    header = {
        "traces": [trace for trace, _, _ in drawn],
        "layout": live_layout(options),
        "window": options.window,
        "revision": f"{options.revision} {options.by_epoch}",
        "step": float(curves.step[-1]) if len(curves.step) else 0.0,
        "alt": "Loss, accuracy and learning rate of the run",
    }
    return LiveFigure(header=header, arrays=arrays)


def positions(curves: Curves, epochs: Sequence[float], options: LiveOptions) -> list[float]:
    """Return the positions of moments, given in epochs, on the chart's horizontal axis."""
    if options.by_epoch:
        return [float(epoch) for epoch in epochs]
    return [float(x) for x in np.interp(epochs, curves.step_epoch, curves.step)]


def training_line(hover: str, axis: str, *, ghost: bool = False) -> dict[str, Any]:
    """Describe a line of the training values that the trainer reported."""
    style: dict[str, Any] = {"line": {"width": 1 if ghost else 2}}
    if ghost:
        style |= {"opacity": GHOST, "hoverinfo": "skip"}
    else:
        style["hovertemplate"] = f"{hover}<extra></extra>"
    name = "Training, each report" if ghost else "Training"
    return line(name, axis, TRAINING, **style)


def validation_line(hover: str, axis: str) -> dict[str, Any]:
    """Describe a line of the values on the validation images after each epoch."""
    return line(
        "Validation",
        axis,
        VALIDATION,
        mode="lines+markers",
        line={"width": 2, "dash": "dot"},
        marker={"size": 6},
        hovertemplate=f"{hover}<extra></extra>",
    )


def star() -> dict[str, Any]:
    """Describe the mark of the best epoch."""
    style = {"mode": "markers", "marker": {"symbol": "star", "size": 15, "line": {"width": 0}}}
    return line("Best epoch", "y2", VALIDATION, **style, hoverinfo="skip") | {"showlegend": True}


def rate() -> dict[str, Any]:
    """Describe the learning rate's line."""
    hover = "learning rate %{y:.3g}<extra></extra>"
    return line("Learning rate", "y3", RATE, line={"width": 2}, hovertemplate=hover)


def line(name: str, axis: str, color: int, **style: Any) -> dict[str, Any]:
    """Describe one trace; traces of one name share one legend entry, kept by the first panel."""
    return {
        "name": name,
        "legendgroup": name,
        "showlegend": axis == "y",
        "uid": f"{name} {axis}",
        "xaxis": "x",
        "yaxis": axis,
        "color": color,
        "mode": "lines",
        **style,
    }


def live_layout(options: LiveOptions) -> dict[str, Any]:
    """Place the three panels; the browser, which knows the theme, adds colors and fonts."""
    domains = {"Loss": [0.585, 0.955], "Accuracy": [0.205, 0.505], "Learning rate": [0.0, 0.125]}
    titles = [
        {"text": f"<b>{title}</b>", "x": 0, "y": top, "xref": "paper", "yref": "paper",
         "xanchor": "left", "yanchor": "bottom", "showarrow": False, "yshift": 6}
        for title, (_, top) in domains.items()
    ]  # fmt: skip
    axis = {"automargin": True, "anchor": "x", "fixedrange": False}
    loss, accuracy, rates = ({**axis, "domain": domain} for domain in domains.values())
    loss |= {"type": "log" if options.log_loss else "linear", "uirevision": f"{options.log_loss}"}
    unit = "epoch" if options.by_epoch else "step"
    layout: dict[str, Any] = {
        "height": 640,
        "uirevision": options.revision,
        "margin": {"t": 36, "r": 12, "b": 44, "l": 56},
        "hovermode": "x unified",
        "hoversubplots": "axis",
        "legend": {"orientation": "h", "x": 0, "y": 1, "yref": "container",
                   "yanchor": "top"},
        "annotations": titles,
        "xaxis": {"anchor": "y3", "title": {"text": unit.capitalize(), "standoff": 8},
                  "showgrid": False, "uirevision": f"{options.revision} {unit}",
                  "unifiedhovertitle": {"text": f"{unit} %{{x:.4~f}}"}},
        "yaxis": loss,
        "yaxis2": {**accuracy, "tickformat": ".0%"},
        "yaxis3": {**rates, "tickformat": "~g", "nticks": 4, "rangemode": "tozero"},
    }  # fmt: skip
    if options.goals:
        lines, labels = goal_shapes(options.goals, axis="y2")
        layout |= {"shapes": lines, "annotations": [*titles, *labels]}
    return layout


def profile_figure(bars: Sequence[Bar]) -> go.Figure:
    """Draw the time that each part of a step takes, in the order of the parts."""
    figure = go.Figure()
    figure.add_bar(
        y=[bar.title for bar in bars],
        x=[bar.ms for bar in bars],
        orientation="h",
        text=[f"{bar.ms:.3g} ms, {percent(bar.share)}" for bar in bars],
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{y}: %{text}<extra></extra>",
    )
    figure.update_layout(
        height=30 + 34 * len(bars), margin={"t": 8, "r": 8, "b": 8, "l": 8}, bargap=0.45
    )
    most = max(bar.ms for bar in bars)
    figure.update_xaxes(visible=False, fixedrange=True, range=[0, 1.25 * most])
    figure.update_yaxes(autorange="reversed", fixedrange=True, ticksuffix="  ")
    return figure
