"""Figures of the curves of several runs: all in one chart, or one panel per run."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from app import theme
from app.shared.charts import LiveFigure, thinned
from app.shared.family.join_lines import join_shapes
from cifar_core import palette
from cifar_core.reading.curves import Curves, Values, half_life, smooth
from cifar_core.runs.family.joins import Join

GHOST = 0.35  # opacity of the other runs behind a small multiple
TOP = 0.92  # of the height, up to which there are panels
ACROSS = 3  # small multiples in a row
AXES = {"Step": "step", "Epoch": "epoch", "Time": "minutes"}
PANELS = {"Loss": ("y", "loss %{y:.3f}"), "Accuracy": ("y2", "accuracy %{y:.1%}")}

Drawn = tuple[dict[str, Any], Values, Values]


@dataclass(frozen=True, kw_only=True)
class Track:
    """A run's curves, with what a chart needs to know about the run."""

    number: int
    title: str
    curves: Curves
    seconds: float  # of training, so far
    planned: int = 0  # steps; 0 if not known
    joins: Sequence[Join] = ()  # where it continues from other runs
    axes: Sequence[str] = tuple(AXES)  # keys of AXES on which it can be drawn


@dataclass(frozen=True, kw_only=True)
class CurveOptions:
    """How the viewer wants to see the curves."""

    axis: str = "Epoch"  # a key of AXES
    training: bool = False  # the training curves; if not, those of the validation images
    apart: str = ""  # "Loss" or "Accuracy" with one panel per run; empty for all runs together
    smoothing: str = "Off"  # of training curves, a key of SMOOTHING
    log_loss: bool = False
    shapes: Sequence[dict[str, Any]] = ()  # lines behind the accuracies, such as goals
    labels: Sequence[dict[str, Any]] = ()  # of those lines
    window: tuple[float, float] | None = None  # the part of the horizontal axis zoomed in on
    revision: str = ""  # when it changes, zoom and hidden legend entries are reset


def curves_figure(tracks: Sequence[Track], options: CurveOptions) -> LiveFigure:
    """Draw the runs' losses and accuracies in one chart, or one panel per run."""
    drawn = multiples(tracks, options) if options.apart else overlaid(tracks, options)
    layout = multiples_layout(tracks, options) if options.apart else overlaid_layout(options)
    if not options.apart and options.axis == "Epoch":
        layout = with_joins(layout, tracks)
    header = {
        "traces": [trace for trace, _, _ in drawn],
        "layout": layout,
        "window": options.window,
        "revision": f"{options.revision} {options.axis} {options.apart}",
        "step": 0.0,
        "alt": "Loss and accuracy of " + ", ".join(track.title for track in tracks),
    }
    arrays = [a for _, x, y in drawn for a in thinned(x, y, options.window)]
    return LiveFigure(header=header, arrays=arrays)


def overlaid(tracks: Sequence[Track], options: CurveOptions) -> list[Drawn]:
    """Describe one line per run in both panels."""
    return [
        (line(track, axis, hover=f"{track.title}: {hover}"), *points(track, options, panel))
        for panel, (axis, hover) in PANELS.items()
        for track in tracks
    ]


def multiples(tracks: Sequence[Track], options: CurveOptions) -> list[Drawn]:
    """Describe one panel per run: its line in front of the faint lines of the others."""
    drawn = []
    hover = PANELS[options.apart][1]
    for index, own in enumerate(tracks):
        name = panel_name(index)
        for track in [*(other for other in tracks if other is not own), own]:
            trace = line(track, f"y{name}", ghost=track is not own, hover=hover)
            trace |= {"xaxis": f"x{name}", "showlegend": False}
            drawn.append((trace, *points(track, options, options.apart)))
    return drawn


def panel_name(index: int) -> str:
    """Return the suffix of the names of a panel's axes; the first panel has none."""
    return str(index + 1) if index else ""


def points(track: Track, options: CurveOptions, panel: str) -> tuple[Values, Values]:
    """Return a run's line: positions on the horizontal axis, and losses or accuracies."""
    curves = track.curves
    name = panel.lower()
    if options.axis not in track.axes:
        return curves.step[:0], curves.step[:0]
    if options.training:
        values = getattr(curves, f"train_{name}")
        there = np.isfinite(values)  # an imported run has not measured everything at each step
        values, steps, epochs = values[there], curves.step[there], curves.step_epoch[there]
        values = smooth(values, steps, half_life(options.smoothing, track.planned))
    else:
        values = getattr(curves, f"val_{name}")
        there = np.isfinite(values)
        values, steps, epochs = values[there], curves.epoch_step[there], curves.epoch[there]
    if options.axis == "Epoch":
        return epochs, values
    return (steps if options.axis == "Step" else minutes(track, steps)), values


def is_drawn(track: Track, options: CurveOptions) -> bool:
    """Whether a run has any point on the chosen axis, of the chosen images."""
    return any(len(points(track, options, panel)[0]) for panel in PANELS)


def minutes(track: Track, steps: Values) -> Values:
    """Return when each step was done, in minutes of training at the run's mean speed."""
    curves = track.curves
    last = max([*curves.step[-1:], *curves.epoch_step[-1:]], default=1.0)
    return steps * (track.seconds / 60 / last)


def line(track: Track, axis: str, *, ghost: bool = False, hover: str) -> dict[str, Any]:
    """Describe a run's line in its color and dash."""
    color, dash = palette.pen(track.number)
    style: dict[str, Any] = {
        "line": {"width": 2, "dash": dash},
        "hovertemplate": f"{hover}<extra></extra>",
    }
    if ghost:
        style = {
            "line": {"width": 1, "color": palette.FAINT},
            "opacity": GHOST,
            "hoverinfo": "skip",
        }
    return {
        "name": track.title,
        "legendgroup": str(track.number),
        "showlegend": axis == "y",
        "uid": f"{track.number} {axis} {ghost}",
        "xaxis": "x",
        "yaxis": axis,
        "color": color,
        "mode": "lines",
        **style,
    }


def overlaid_layout(options: CurveOptions) -> dict[str, Any]:
    """Lay out the loss panel above the accuracy panel."""
    axis = {"automargin": True, "anchor": "x", "fixedrange": False}
    loss = {"type": "log"} if options.log_loss else {}
    return {
        "height": 560,
        "uirevision": options.revision,
        "margin": {"t": 40, "r": 12, "b": 44, "l": 56},
        "hovermode": "x unified",
        "hoversubplots": "axis",
        "legend": {"orientation": "h", "x": 0, "y": 1, "yref": "container", "yanchor": "top"},
        "annotations": [heading("Loss", 0, TOP), heading("Accuracy", 0, 0.42), *options.labels],
        "shapes": list(options.shapes),
        "xaxis": {**across(options), "anchor": "y2",
                  "title": {"text": AXES[options.axis].capitalize(), "standoff": 8}},
        "yaxis": {**axis, "domain": [0.52, TOP], "uirevision": f"{options.log_loss}", **loss},
        "yaxis2": {**axis, "domain": [0, 0.42], "tickformat": ".0%"},
    }  # fmt: skip


def multiples_layout(tracks: Sequence[Track], options: CurveOptions) -> dict[str, Any]:
    """Lay out one panel per run in rows; all share both axes, so that they can be compared."""
    rows = math.ceil(len(tracks) / ACROSS)
    layout: dict[str, Any] = {
        "height": 60 + 190 * rows,
        "uirevision": options.revision,
        "margin": {"t": 12, "r": 12, "b": 40, "l": 56},
        "hovermode": "closest",
        "annotations": [],
    }
    for index, track in enumerate(tracks):
        row, column = divmod(index, ACROSS)
        left, top = column / ACROSS, 1 - row / rows
        right, bottom = (column + 0.88) / ACROSS, 1 - (row + 0.72) / rows
        name = panel_name(index)
        matched = {"matches": "x"} if index else {}
        layout[f"xaxis{name}"] = {**across(options), "domain": [left, right], "anchor": f"y{name}",
                                  **matched}  # fmt: skip
        scale = {"type": "log"} if options.log_loss and options.apart == "Loss" else {}
        layout[f"yaxis{name}"] = {
            "domain": [bottom, top - 0.1 / rows], "anchor": f"x{name}", "nticks": 5,
            "tickformat": ".0%" if options.apart == "Accuracy" else "~g", **scale,
            **({"matches": "y"} if index else {}),
        }  # fmt: skip
        title = theme.short(track.title, 30)
        layout["annotations"].append(heading(title, left, top - 0.1 / rows))
    return layout


def across(options: CurveOptions) -> dict[str, Any]:
    """Describe the horizontal axis."""
    unit = AXES[options.axis]
    return {"showgrid": False, "uirevision": f"{options.revision} {unit}", "nticks": 6,
            "unifiedhovertitle": {"text": f"{unit} %{{x:.4~f}}"}}  # fmt: skip


def with_joins(layout: dict[str, Any], tracks: Sequence[Track]) -> dict[str, Any]:
    """Return the layout, over epochs, with a mark where a run continues from another one.

    Runs that continue from the same moment of the same run share a mark.
    """
    marks: dict[Join, list[str]] = {}
    for track in tracks:
        for join in track.joins:
            marks.setdefault(join, []).append(f"#{track.number}")
    end = max((float(track.curves.epoch[-1]) for track in tracks if len(track.curves.epoch)),
              default=1.0)  # fmt: skip
    lines, labels = join_shapes(
        list(marks), [join.epoch for join in marks], end, below="y domain", top=TOP
    )  # fmt: skip
    for label, runs in zip(labels, marks.values(), strict=True):
        label["text"] = f"{', '.join(runs)} {label['text']}"
    return layout | {
        "shapes": [*layout["shapes"], *lines],
        "annotations": [*layout["annotations"], *labels],
    }


def heading(text: str, x: float, y: float) -> dict[str, Any]:
    """Describe the heading above a panel."""
    return {"text": f"<b>{text}</b>", "x": x, "y": y, "xref": "paper", "yref": "paper",
            "xanchor": "left", "yanchor": "bottom", "showarrow": False, "yshift": 4}  # fmt: skip
