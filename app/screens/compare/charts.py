"""Figures of several runs, as pure functions of plain data. A run looks the same in all of them."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from app import theme
from app.shared.charts import LiveFigure
from cifar_core import palette
from cifar_core.runs.listing.seed_groups import in_order
from cifar_core.runs.results.side_by_side import RunFacts
from cifar_core.statistics.same_images import Counts, front

MOST_AXES = 8  # of parallel coordinates
TIGHT = {"t": 8, "r": 8, "b": 8, "l": 8}


COSTS = {  # what an accuracy can cost: the axis title and the unit
    "Time": ("Training time in minutes", "min"),
    "Parameters": ("Parameters", "parameters"),
}


def cost_of(facts: RunFacts, cost: str) -> float | None:
    """Return what a run cost, in the unit of COSTS."""
    if cost == "Time":
        return facts.seconds / 60 if facts.seconds else None
    return float(facts.parameters) if facts.parameters else None


def cost_points(runs: Sequence[RunFacts], cost: str) -> list[tuple[RunFacts, float, float]]:
    """Return the runs that have a cost and a validation accuracy, with both."""
    return [
        (facts, c, facts.best)
        for facts in runs
        if (c := cost_of(facts, cost)) and facts.best is not None
    ]


def cost_figure(points: Sequence[tuple[RunFacts, float, float]], cost: str) -> LiveFigure:
    """Draw validation accuracy against a cost on a log axis, with the Pareto front."""
    costs, accuracies = [c for _, c, _ in points], [a for _, _, a in points]
    best = front(costs, accuracies)
    title, unit = COSTS[cost]
    steps = {"name": "Pareto front", "uid": "front", "mode": "lines", "color": 0,
             "line": {"color": palette.FAINT, "width": 1.5, "shape": "hv"}, "hoverinfo": "skip",
             "showlegend": False}  # fmt: skip
    traces, arrays = [steps], [array(costs[i] for i in best), array(accuracies[i] for i in best)]
    for facts, c, accuracy in points:
        color, dash = palette.pen(facts.run.number)
        traces.append(
            {"name": facts.title, "uid": facts.run.id, "mode": "markers+text", "color": color,
             "text": [f"#{facts.run.number}"], "textposition": "top center", "showlegend": False,
             "cliponaxis": False,
             "marker": {"size": 12, "symbol": "circle" if dash == "solid" else "diamond"},
             "hovertemplate": f"{facts.title}: %{{y:.2%}}, %{{x:.4~g}} {unit}<extra></extra>"}
        )  # fmt: skip
        arrays += [array([c]), array([accuracy])]
    layout = {
        "height": 330, "margin": {"t": 16, "r": 12, "b": 48, "l": 60}, "hovermode": "closest",
        "uirevision": cost,
        "xaxis": {"type": "log", "title": {"text": title}, "showgrid": False, "automargin": True,
                  "range": widened(costs), "tickvals": round_numbers(costs), "tickformat": "~s"},
        "yaxis": {"tickformat": ".1~%", "title": {"text": "Validation accuracy, best epoch"},
                  "automargin": True, "range": around(accuracies)},
    }  # fmt: skip
    header = {"traces": traces, "layout": layout, "window": None, "revision": cost, "step": 0.0,
              "alt": f"Validation accuracy against {title.lower()}"}  # fmt: skip
    return LiveFigure(header=header, arrays=arrays)


def array(values: Any) -> NDArray[np.float64]:
    """Return numbers as an array."""
    return np.array(list(values), dtype=float)


def widened(values: Sequence[float]) -> list[float]:
    """Return the ends of a log axis, in powers of ten, with room on both sides."""
    low, high = math.log10(min(values)), math.log10(max(values))
    room = max(0.15, 0.08 * (high - low))
    return [low - room, high + room]


def around(accuracies: Sequence[float]) -> list[float]:
    """Return the ends of an axis from 0 to 1, with room on both sides, at least two points."""
    low, high = min(accuracies), max(accuracies)
    room = max(0.02, 0.1 * (high - low))
    return [max(0.0, low - room), min(1.0, high + room)]


def round_numbers(values: Sequence[float]) -> list[float]:
    """Return 1, 2 and 5 times each power of ten around some values."""
    low, high = min(values) / 2, max(values) * 2
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)))
    numbers = [digit * 10.0**power for power in powers for digit in (1, 2, 5)]
    return [number for number in numbers if low <= number <= high]


def class_figure(
    counts: Sequence[Counts], classes: Sequence[str], first: str, second: str
) -> go.Figure:
    """Draw the accuracy of the first run minus the second's in each class, with 95 % intervals."""
    order = sorted(range(len(counts)), key=lambda k: counts[k].difference)
    differences = np.array([counts[k].difference for k in order])
    ends = np.array([counts[k].interval for k in order]).reshape(-1, 2)
    figure = go.Figure()
    figure.add_scatter(
        x=100 * differences, y=[classes[k] for k in order], mode="markers", marker={"size": 10},
        error_x={"type": "data", "symmetric": False, "thickness": 1.5, "width": 4,
                 "array": 100 * (ends[:, 1] - differences),
                 "arrayminus": 100 * (differences - ends[:, 0])},
        hovertemplate="%{y}: %{x:+.1f} points<extra></extra>",
    )  # fmt: skip
    figure.add_vline(x=0, line={"width": 1, "color": palette.FAINT})
    figure.update_layout(height=80 + 30 * len(counts), margin=TIGHT, showlegend=False)
    figure.update_xaxes(title=f"Points (left: {second} is better, right: {first})", fixedrange=True)
    figure.update_yaxes(fixedrange=True, ticksuffix=" ")
    return figure


def confusion_figure(difference: NDArray[np.int64], classes: Sequence[str]) -> go.Figure:
    """Draw how many more images of each class the first run predicts as each class."""
    most = max(1, int(np.abs(difference).max()))
    figure = go.Figure()
    figure.add_heatmap(
        z=difference, x=list(classes), y=list(classes), zmid=0, zmin=-most, zmax=most,
        colorscale="RdBu", text=[[f"{v:+d}" if v else "" for v in row] for row in difference],
        texttemplate="%{text}", showscale=False, xgap=1, ygap=1,
        hovertemplate="%{y} predicted as %{x}: %{z:+d} images<extra></extra>",
    )  # fmt: skip
    figure.update_layout(height=110 + 32 * len(classes), margin=TIGHT)
    figure.update_xaxes(title="Predicted class", side="bottom", fixedrange=True, tickangle=-45,
                        showgrid=False)  # fmt: skip
    figure.update_yaxes(title="True class", autorange="reversed", fixedrange=True, showgrid=False)
    return figure


def parallel_figure(
    settings: Sequence[Mapping[str, Any]], accuracies: Sequence[float], logs: Sequence[str]
) -> go.Figure:
    """Draw each run as a line over the settings that differ, colored by its accuracy.

    Settings in `logs` have a log axis; words and switches have one position per value.
    """
    names = [n for n in in_order(settings[0]) if len({str(run.get(n)) for run in settings}) > 1][
        :MOST_AXES
    ]
    axes = [axis_of(n, [run.get(n) for run in settings], log=n in logs) for n in names]
    percent = [100 * accuracy for accuracy in accuracies]
    axes.append({"label": "Validation %", "values": percent})
    figure = go.Figure()
    figure.add_parcoords(
        dimensions=axes, labelangle=0,
        line={"color": percent, "colorscale": "Cividis", "showscale": False},
    )  # fmt: skip
    figure.update_layout(height=400, margin={"t": 60, "r": 50, "b": 24, "l": 140})
    return figure


def axis_of(name: str, values: Sequence[Any], *, log: bool) -> dict[str, Any]:
    """Describe one axis of parallel coordinates."""
    label = theme.title(name)
    numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    if len(numbers) < len(values):
        words = sorted({theme.plain(v) for v in values})
        positions = [words.index(theme.plain(v)) for v in values]
        return {"label": label, "values": positions, "tickvals": list(range(len(words))),
                "ticktext": [theme.title(word) for word in words]}  # fmt: skip
    ticks = sorted(set(numbers))
    if not log or ticks[0] <= 0:
        few = {"tickvals": ticks} if len(ticks) <= 8 else {}
        return {"label": label, "values": numbers, **few}
    shown = ticks if len(ticks) <= 8 else [ticks[0], *decades(ticks[0], ticks[-1]), ticks[-1]]
    return {"label": label, "values": [math.log10(v) for v in numbers],
            "tickvals": [math.log10(v) for v in shown],
            "ticktext": [f"{v:g}" for v in shown]}  # fmt: skip


def decades(low: float, high: float) -> list[float]:
    """Return the powers of ten between two numbers."""
    ends = math.floor(math.log10(low)) + 1, math.ceil(math.log10(high))
    return [10.0**power for power in range(*ends)]
