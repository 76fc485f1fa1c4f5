"""Figures of imported curves: one panel for each quantity, whatever the other tool called it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import plotly.graph_objects as go

from cifar_core.reading.curves import Values, thin
from cifar_core.runs.exchange.curves.targets import TARGETS

BUCKETS = 500  # of the horizontal axis, each with its lowest and highest point
PANELS = {  # titles of panels, and the quantities in them
    "Accuracy": ("train_accuracy", "val_accuracy", "test_accuracy"),
    "Loss": ("train_loss", "val_loss", "test_loss"),
    "Other measures": ("val_balanced_accuracy", "val_macro_f1"),
    "Learning rate": ("learning_rate",),
    "Gradient norm": ("grad_norm",),
    "Images per second": ("images_per_second",),
}
COLORS = {"train": 0, "val": 1, "test": 2}  # by the start of a key; places in a list of colors
KEYS = {target.title: target.key for target in TARGETS.values()}


@dataclass
class Line:
    """One curve: its points by step, with their epochs (NaN if unknown)."""

    step: list[float] = field(default_factory=list)
    epoch: list[float] = field(default_factory=list)
    value: list[float] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One figure."""

    title: str
    lines: dict[str, Line]  # by the name in the legend
    is_share: bool = False


def lines_of(rows: Sequence[dict[str, Any]]) -> dict[str, Line]:
    """Sort the rows of an imported run by curve: a key of TARGETS, or a name of the other tool."""
    lines: dict[str, Line] = {}
    by_field = {(t.row, t.field): t.key for t in TARGETS.values() if t.field}
    for row in rows:
        if row["kind"] == "curve":
            name = str(row["name"])
            found = {by_field.get(("curve", name), name): row["value"]}
        else:
            found = {by_field[row["kind"], f]: value for f, value in row.items()
                     if (row["kind"], f) in by_field}  # fmt: skip
        for name, value in found.items():
            line = lines.setdefault(name, Line())
            line.step.append(float(row["step"]))
            line.epoch.append(float(row.get("epoch", np.nan)))
            line.value.append(float(value))
    return lines


def panels(lines: dict[str, Line]) -> list[Panel]:
    """Return the panels of a run: our quantities first, then each curve of the other tool's own."""
    found = []
    for title, keys in PANELS.items():
        there = {TARGETS[key].title: lines[key] for key in keys if key in lines}
        if there:
            share = any(TARGETS[key].is_share for key in keys)
            found.append(Panel(title=title, lines=there, is_share=share))
    own = [name for name in lines if name not in TARGETS]
    return found + [Panel(title=name, lines={name: lines[name]}) for name in own]


def panel_figure(
    panel: Panel, colors: Sequence[str], *, by_epoch: bool, log: bool = False
) -> go.Figure:
    """Draw one panel, with training, validation and test in the colors of the other pages."""
    figure = go.Figure()
    for name, line in panel.lines.items():
        places, values = drawn(line, by_epoch=by_epoch)
        mode = "lines+markers" if len(values) < 40 else "lines"
        color = colors[COLORS.get(KEYS.get(name, name).split("_")[0], 0)]
        form = "%{y:.1%}" if panel.is_share else "%{y:.4g}"
        figure.add_scatter(x=places, y=values, name=name, mode=mode, line={"color": color},
                           hovertemplate=f"{form}<extra></extra>")  # fmt: skip
    figure.update_layout(
        height=260, margin={"t": 8, "r": 8, "b": 40, "l": 56}, hovermode="x unified",
        showlegend=list(panel.lines) != [panel.title],
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
        xaxis={"title": {"text": "Epoch" if by_epoch else "Step", "standoff": 8}},
        yaxis={"tickformat": ".0%" if panel.is_share else None, "automargin": True,
               "type": "log" if log else "linear"},
    )  # fmt: skip
    return figure


def drawn(line: Line, *, by_epoch: bool) -> tuple[Values, Values]:
    """Return the drawn points of a line: those with a place, and the extremes of each pixel."""
    places, values = np.array(line.epoch if by_epoch else line.step), np.array(line.value)
    there = np.isfinite(places)
    places, values = places[there], values[there]
    kept = thin(values, BUCKETS)
    return places[kept], values[kept]
