"""Figures of the curves of several runs: over each other, or each in a panel of its own."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app import theme
from app.shared.charts import LiveFigure, thinned
from cifar_core import palette
from cifar_core.reading.curves import Curves, Values, smooth

GHOST = 0.35  # opacity of the other runs behind a small multiple
ACROSS = 3  # small multiples in a row
AXES = {"Step": "step", "Epoch": "epoch", "Time": "minutes"}
PANELS = {"Loss": ("y", "loss %{y:.3f}"), "Accuracy": ("y2", "accuracy %{y:.1%}")}

Drawn = tuple[dict[str, Any], Values, Values]


@dataclass(frozen=True, kw_only=True)
class Track:
    """A run's curves and what a chart needs to know of it."""

    number: int
    title: str
    curves: Curves
    seconds: float  # of training, so far


@dataclass(frozen=True, kw_only=True)
class CurveOptions:
    """How the viewer wants to see the curves."""

    axis: str = "Epoch"  # a key of AXES
    training: bool = False  # what the trainer reported; if not, the validation images
    apart: str = ""  # "Loss" or "Accuracy" in a small multiple of each run; all together if empty
    half_life: float = 0.0  # of the smoothing of training curves, in steps; 0 for none
    log_loss: bool = False
    shapes: Sequence[dict[str, Any]] = ()  # lines behind the accuracies, such as goals
    words: Sequence[dict[str, Any]] = ()  # what stands at them
    window: tuple[float, float] | None = None  # enlarged part of the horizontal axis
    revision: str = ""  # when it changes, zoom and hidden legend entries start anew


def curves_figure(tracks: Sequence[Track], look: CurveOptions) -> LiveFigure:
    """Draw the runs' losses and accuracies over each other, or each run in a panel of its own."""
    drawn = multiples(tracks, look) if look.apart else overlaid(tracks, look)
    layout = multiples_layout(tracks, look) if look.apart else overlaid_layout(look)
    header = {
        "traces": [trace for trace, _, _ in drawn],
        "layout": layout,
        "window": look.window,
        "revision": f"{look.revision} {look.axis} {look.apart}",
        "step": 0.0,
        "alt": "Loss and accuracy of " + ", ".join(track.title for track in tracks),
    }
    arrays = [a for _, x, y in drawn for a in thinned(x, y, look.window)]
    return LiveFigure(header=header, arrays=arrays)


def overlaid(tracks: Sequence[Track], look: CurveOptions) -> list[Drawn]:
    """Describe one line for each run in both panels."""
    return [
        (line(track, axis, hover=f"{track.title}: {hover}"), *points(track, look, panel))
        for panel, (axis, hover) in PANELS.items()
        for track in tracks
    ]


def multiples(tracks: Sequence[Track], look: CurveOptions) -> list[Drawn]:
    """Describe for each run a panel with its line before the faint lines of the others."""
    drawn = []
    hover = PANELS[look.apart][1]
    for place, own in enumerate(tracks):
        name = panel_name(place)
        for track in [*(other for other in tracks if other is not own), own]:
            trace = line(track, f"y{name}", ghost=track is not own, hover=hover)
            trace |= {"xaxis": f"x{name}", "showlegend": False}
            drawn.append((trace, *points(track, look, look.apart)))
    return drawn


def panel_name(place: int) -> str:
    """Return the ending of a small multiple's axes: the first has none."""
    return str(place + 1) if place else ""


def points(track: Track, look: CurveOptions, panel: str) -> tuple[Values, Values]:
    """Return a run's line: places on the horizontal axis and losses, or accuracies."""
    curves = track.curves
    name = panel.lower()
    if look.training:
        values = smooth(getattr(curves, f"train_{name}"), curves.step, look.half_life)
        steps, epochs = curves.step, curves.step_epoch
    else:
        values, steps, epochs = getattr(curves, f"val_{name}"), curves.epoch_step, curves.epoch
    if look.axis == "Epoch":
        return epochs, values
    return (steps if look.axis == "Step" else minutes(track, steps)), values


def minutes(track: Track, steps: Values) -> Values:
    """Return when steps were done, in minutes of training at the run's mean pace."""
    curves = track.curves
    last = max([*curves.step[-1:], *curves.epoch_step[-1:]], default=1.0)
    return steps * (track.seconds / 60 / last)


def line(track: Track, axis: str, *, ghost: bool = False, hover: str) -> dict[str, Any]:
    """Describe a run's line in its colour and dash."""
    color, dash = palette.pen(track.number)
    look: dict[str, Any] = {
        "line": {"width": 2, "dash": dash},
        "hovertemplate": f"{hover}<extra></extra>",
    }
    if ghost:
        look = {"line": {"width": 1, "color": palette.FAINT}, "opacity": GHOST, "hoverinfo": "skip"}
    return {
        "name": track.title,
        "legendgroup": str(track.number),
        "showlegend": axis == "y",
        "uid": f"{track.number} {axis} {ghost}",
        "xaxis": "x",
        "yaxis": axis,
        "color": color,
        "mode": "lines",
        **look,
    }


def overlaid_layout(look: CurveOptions) -> dict[str, Any]:
    """Place the panel of the losses above that of the accuracies."""
    axis = {"automargin": True, "anchor": "x", "fixedrange": False}
    loss = {"type": "log"} if look.log_loss else {}
    return {
        "height": 560,
        "uirevision": look.revision,
        "margin": {"t": 40, "r": 12, "b": 44, "l": 56},
        "hovermode": "x unified",
        "hoversubplots": "axis",
        "legend": {"orientation": "h", "x": 0, "y": 1, "yref": "container", "yanchor": "top"},
        "annotations": [heading("Loss", 0, 0.92), heading("Accuracy", 0, 0.42), *look.words],
        "shapes": list(look.shapes),
        "xaxis": {**across(look), "anchor": "y2", "title": {"text": AXES[look.axis].capitalize(),
                  "standoff": 8}},
        "yaxis": {**axis, "domain": [0.52, 0.92], "uirevision": f"{look.log_loss}", **loss},
        "yaxis2": {**axis, "domain": [0, 0.42], "tickformat": ".0%"},
    }  # fmt: skip


def multiples_layout(tracks: Sequence[Track], look: CurveOptions) -> dict[str, Any]:
    """Place a panel for each run in rows; all share both axes, so that they compare."""
    rows = math.ceil(len(tracks) / ACROSS)
    layout: dict[str, Any] = {
        "height": 60 + 190 * rows,
        "uirevision": look.revision,
        "margin": {"t": 12, "r": 12, "b": 40, "l": 56},
        "hovermode": "closest",
        "annotations": [],
    }
    for place, track in enumerate(tracks):
        row, column = divmod(place, ACROSS)
        left, top = column / ACROSS, 1 - row / rows
        right, bottom = (column + 0.88) / ACROSS, 1 - (row + 0.72) / rows
        name = panel_name(place)
        matched = {"matches": "x"} if place else {}
        layout[f"xaxis{name}"] = {**across(look), "domain": [left, right], "anchor": f"y{name}",
                                  **matched}  # fmt: skip
        scale = {"type": "log"} if look.log_loss and look.apart == "Loss" else {}
        layout[f"yaxis{name}"] = {
            "domain": [bottom, top - 0.1 / rows], "anchor": f"x{name}", "nticks": 5,
            "tickformat": ".0%" if look.apart == "Accuracy" else "~g", **scale,
            **({"matches": "y"} if place else {}),
        }  # fmt: skip
        title = theme.short(track.title, 30)
        layout["annotations"].append(heading(title, left, top - 0.1 / rows))
    return layout


def across(look: CurveOptions) -> dict[str, Any]:
    """Describe the horizontal axis."""
    unit = AXES[look.axis]
    return {"showgrid": False, "uirevision": f"{look.revision} {unit}", "nticks": 6,
            "unifiedhovertitle": {"text": f"{unit} %{{x:.4~f}}"}}  # fmt: skip


def heading(text: str, x: float, y: float) -> dict[str, Any]:
    """Describe the words above a panel."""
    return {"text": f"<b>{text}</b>", "x": x, "y": y, "xref": "paper", "yref": "paper",
            "xanchor": "left", "yanchor": "bottom", "showarrow": False, "yshift": 4}  # fmt: skip
