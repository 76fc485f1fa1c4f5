"""Figures of one run: its live curves, and where the time of a step goes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from app.shared.charts import LiveFigure, thinned
from app.shared.family.join_lines import join_shapes
from app.shared.goal_lines import goal_shapes
from cifar_core.reading.curves import Curves, smooth
from cifar_core.runs.family.joins import Join
from cifar_core.runs.listing.goals import Goal
from cifar_core.runs.record.profiles import Bar, percent

TRAINING, VALIDATION, BALANCED = 0, 1, 2  # indexes into the theme's list of colors
GHOST = 0.28  # opacity of the points behind a smoothed line
TALL, LOW, GAP, ABOVE, BELOW = 190, 90, 40, 62, 44  # pixels of panels, and around them


@dataclass(frozen=True, kw_only=True)
class Panel:
    """A panel that is drawn only when it is asked for."""

    title: str
    of: str  # the quantity's name in `Curves`
    axis: str
    color: int  # index into the theme's list of colors
    digits: str  # how a value is written
    of_epochs: bool = False  # measured after each epoch, and worth drawing for uneven classes


MORE = {  # by key; their axes follow those of loss and accuracy
    "rate": Panel(title="Learning rate", of="learning_rate", axis="y3", color=2, digits=".3g"),
    "gradient": Panel(title="Gradient norm", of="grad_norm", axis="y4", color=3, digits=".3g"),
    "speed": Panel(
        title="Images per second", of="images_per_second", axis="y5", color=4, digits=",.0f"
    ),
    "f1": Panel(
        title="Macro F1", of="val_macro_f1", axis="y6", color=1, digits=".1%", of_epochs=True
    ),
}


@dataclass(frozen=True, kw_only=True)
class LiveOptions:
    """How the curves are to be drawn."""

    by_epoch: bool = False  # horizontal axis; optimization steps if not
    half_life: float = 0.0  # of the smoothing, in steps; 0 for none
    log_loss: bool = False
    goals: Sequence[Goal] = ()  # target lines
    joins: Sequence[Join] = ()  # where it continues from other runs
    more: Sequence[str] = ()  # keys of MORE: panels below accuracy and loss
    balanced: bool = False  # whether the balanced accuracy is drawn beside the accuracy
    starred: str = "val_accuracy"  # the curve, as in `Curves`, on which the best epoch is marked
    window: tuple[float, float] | None = None  # enlarged part of the horizontal axis
    revision: str = ""  # when it changes, zoom and hidden legend entries are reset


def live_figure(curves: Curves, options: LiveOptions) -> LiveFigure:
    """Draw accuracy, loss and what else is asked for in panels on one horizontal axis.

    The traces and their order depend on the options alone, so that a hidden one stays hidden.
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
        *([(balanced_line(), epochs, curves.val_balanced_accuracy)] if options.balanced else []),
        (star(), epochs[best], getattr(curves, options.starred)[best]),
        *(
            (
                more_line(key),
                epochs if MORE[key].of_epochs else steps,
                getattr(curves, MORE[key].of),
            )
            for key in shown(options)
        ),
    ]
    arrays = [a for _, x, y in drawn for a in thinned(x, y[: len(x)], options.window)]
    header = {
        "traces": [trace for trace, _, _ in drawn],
        "layout": with_joins(live_layout(options), curves, options),
        "window": options.window,
        "revision": f"{options.revision} {options.by_epoch}",
        "unit": unit_of(options),  # followed by the chart of the machine
        "step": float(curves.step[-1]) if len(curves.step) else 0.0,
        "alt": ", ".join(["Accuracy", "loss", *(MORE[key].title.lower() for key in shown(options))])
        + " of the run"
        + "".join(f", {join.label} after epoch {join.epoch:.4g}" for join in options.joins),
    }
    return LiveFigure(header=header, arrays=arrays)


def with_joins(layout: dict[str, Any], curves: Curves, options: LiveOptions) -> dict[str, Any]:
    """Return the layout with a mark where the run continues from another one."""
    if not options.joins or not len(curves.step):
        return layout
    steps = curves.step_epoch if options.by_epoch else curves.step
    places = positions(curves, [join.epoch for join in options.joins], options)
    lines, labels = join_shapes(options.joins, places, float(steps[-1]), below="y2 domain")
    return layout | {
        "shapes": [*layout.get("shapes", []), *lines],
        "annotations": [*layout["annotations"], *labels],
    }


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


def balanced_line() -> dict[str, Any]:
    """Describe the balanced accuracy after each epoch, in the panel of the accuracy."""
    return line(
        "Balanced", "y2", BALANCED, mode="lines+markers",
        line={"width": 2, "dash": "dash"}, marker={"size": 6, "symbol": "diamond"},
        hovertemplate="balanced accuracy %{y:.1%}<extra></extra>",
    ) | {"showlegend": True}  # fmt: skip


def star() -> dict[str, Any]:
    """Describe the mark of the best epoch."""
    style = {"mode": "markers", "marker": {"symbol": "star", "size": 15, "line": {"width": 0}}}
    return line("Best epoch", "y2", VALIDATION, **style, hoverinfo="skip") | {"showlegend": True}


def shown(options: LiveOptions) -> list[str]:
    """Return the keys of the panels that are asked for, in the order of MORE."""
    return [key for key in MORE if key in options.more]


def more_line(key: str) -> dict[str, Any]:
    """Describe the line of a panel that is asked for."""
    panel = MORE[key]
    hover = f"{panel.title.lower()} %{{y:{panel.digits}}}<extra></extra>"
    return line(panel.title, panel.axis, panel.color, line={"width": 2}, hovertemplate=hover)


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
    """Place the panels, from top to bottom; the browser adds the theme's colors and fonts."""
    panels = [("Accuracy", "y2", TALL), ("Loss", "y", TALL)]
    panels += [(MORE[key].title, MORE[key].axis, LOW) for key in shown(options)]
    layout = stacked(panels, options)
    layout["yaxis"] |= {
        "type": "log" if options.log_loss else "linear", "uirevision": f"{options.log_loss}"
    }  # fmt: skip
    layout["yaxis2"] |= {"tickformat": ".0%"}
    for key in shown(options):
        form = ".0%" if MORE[key].of_epochs else "~g"
        low = {"tickformat": form, "nticks": 4, "rangemode": "tozero"}
        layout[f"yaxis{MORE[key].axis[1:]}"] |= low
    if options.goals:
        lines, labels = goal_shapes(options.goals, axis="y2")
        layout |= {"shapes": lines, "annotations": [*layout["annotations"], *labels]}
    return layout


def unit_of(options: LiveOptions) -> str:
    """Return what the horizontal axis counts."""
    return "epoch" if options.by_epoch else "step"


def stacked(panels: Sequence[tuple[str, str, int]], options: LiveOptions) -> dict[str, Any]:
    """Place panels of (title, axis, height in pixels) above each other on one horizontal axis."""
    inner = sum(height for _, _, height in panels) + GAP * (len(panels) - 1)
    layout: dict[str, Any] = {}
    titles, top = [], float(inner)
    for title, axis, height in panels:
        titles.append(
            {"text": f"<b>{title}</b>", "x": 0, "y": top / inner, "xref": "paper",
             "yref": "paper", "xanchor": "left", "yanchor": "bottom", "showarrow": False,
             "yshift": 6}
        )  # fmt: skip
        domain = [max(0.0, (top - height) / inner), top / inner]
        layout[f"yaxis{axis[1:]}"] = {
            "automargin": True, "anchor": "x", "fixedrange": False, "domain": domain
        }  # fmt: skip
        top -= height + GAP
    unit = unit_of(options)
    return layout | {
        "height": inner + ABOVE + BELOW,
        "uirevision": options.revision,
        "margin": {"t": ABOVE, "r": 12, "b": BELOW, "l": 56},
        "hovermode": "x unified",
        "hoversubplots": "axis",
        "legend": {"orientation": "h", "x": 0, "y": 1, "yref": "container",
                   "yanchor": "top"},
        "annotations": titles,
        "xaxis": {"anchor": panels[-1][1], "title": {"text": unit.capitalize(), "standoff": 8},
                  "showgrid": False, "uirevision": f"{options.revision} {unit}",
                  "unifiedhovertitle": {"text": f"{unit} %{{x:.4~f}}"}},
    }  # fmt: skip


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
