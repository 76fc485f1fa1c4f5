"""Figures of a parameter grid: pure functions from its results."""

import math
from collections.abc import Sequence

import plotly.graph_objects as go

from cifar_core.palette import ANY, FAINT, pen_on_any
from cifar_core.runs.sweeps.sweep_results import CellResult, Comparison
from cifar_core.statistics.over_seeds import spread

MOST_CURVES = 8  # settings whose curves can be distinguished
LONGEST = 38  # characters of a title beside an axis
RATE = "learning_rate"


def dots(results: Sequence[CellResult]) -> go.Figure:
    """Draw each seed as a dot and each setting's mean as a bar, the best setting on top."""
    cells = sorted((c for c in results if c.val), key=lambda c: c.val.mean if c.val else 0.0)
    titles = [shortened(cell.title) for cell in cells]
    figure = go.Figure()
    points = [(v, title, f"seed {s}") for cell, title in zip(cells, titles, strict=True)
              for s, v in cell.by_seed.items()]  # fmt: skip
    if points:
        x, y, text = zip(*points, strict=True)
        figure.add_scatter(
            x=x, y=y, text=text, mode="markers", name="One seed",
            marker={"size": 10, "opacity": 0.55},
            hovertemplate="%{text}: %{x:.2%}<extra></extra>",
        )  # fmt: skip
    figure.add_scatter(
        x=[cell.val.mean if cell.val else None for cell in cells], y=titles, mode="markers",
        name="Mean", marker={"symbol": "line-ns-open", "size": 24, "line": {"width": 3}},
        hovertemplate="mean %{x:.2%}<extra></extra>",
    )  # fmt: skip
    figure.update_layout(height=110 + 34 * len(cells), **frame())
    figure.update_xaxes(title="Validation accuracy, best epoch", tickformat=".1~%", fixedrange=True)
    figure.update_yaxes(fixedrange=True, automargin=True, showgrid=False)
    return figure


def by_rate(results: Sequence[CellResult]) -> go.Figure:
    """Draw accuracy over the learning rate, with a line of means for each other setting."""
    lines: dict[str, list[CellResult]] = {}
    for cell in results:
        if cell.val and RATE in cell.changes:
            lines.setdefault(group_of(cell), []).append(cell)
    figure = go.Figure()
    for index, (name, cells) in enumerate(lines.items()):
        cells = sorted(cells, key=lambda cell: cell.changes[RATE])
        figure.add_scatter(
            x=[cell.changes[RATE] for cell in cells],
            y=[cell.val.mean if cell.val else None for cell in cells],
            mode="lines+markers", name=name, legendgroup=name, line={"color": color(index)},
            hovertemplate="rate %{x:.3g}: mean %{y:.2%}<extra></extra>",
        )  # fmt: skip
        seeds = [(cell.changes[RATE], v) for cell in cells for v in cell.by_seed.values()]
        figure.add_scatter(
            x=[x for x, _ in seeds], y=[y for _, y in seeds], mode="markers", legendgroup=name,
            showlegend=False, marker={"size": 9, "opacity": 0.45, "color": color(index)},
            hovertemplate="rate %{x:.3g}: %{y:.2%}<extra></extra>",
        )  # fmt: skip
    figure.update_layout(height=360, **frame())
    figure.update_layout(showlegend=len(lines) > 1)
    figure.update_xaxes(title="Learning rate", type="log", tickformat="~g", fixedrange=True,
                        dtick="D2")  # fmt: skip
    figure.update_yaxes(title="Validation accuracy, best epoch", tickformat=".1~%", fixedrange=True)
    return figure


def group_of(cell: CellResult) -> str:
    """Return a setting's title without the rate."""
    parts = [part for part in cell.title.split(", ") if not part.startswith("learning rate ")]
    return ", ".join(parts) or "Mean"


def curves(results: Sequence[CellResult]) -> go.Figure:
    """Draw the mean validation accuracy by epoch, with a band from lowest to highest seed."""
    shown = [cell for cell in results if any(row.history for row in cell.rows)][:MOST_CURVES]
    figure = go.Figure()
    alone = all(len(cell.rows) == 1 for cell in shown)  # then each line is one run
    for index, cell in enumerate(shown):
        paint, dash = pen_on_any(cell.rows[0].number) if alone else (color(index), "solid")
        histories = [row.history for row in cell.rows if row.history]
        length = max(map(len, histories))
        epochs = list(range(1, length + 1))
        at = [[h[e] for h in histories if len(h) > e] for e in range(length)]
        title = shortened(cell.title)
        figure.add_scatter(
            x=[*epochs, *reversed(epochs)], y=[*map(max, at), *reversed([*map(min, at)])],
            fill="toself", mode="lines", line={"width": 0, "color": paint}, opacity=0.18,
            legendgroup=title, showlegend=False, hoverinfo="skip",
        )  # fmt: skip
        figure.add_scatter(
            x=epochs, y=[spread(values).mean for values in at], mode="lines", name=title,
            legendgroup=title, line={"color": paint, "dash": dash, "width": 2.5},
            hovertemplate=f"{title}, epoch %{{x}}: %{{y:.2%}}<extra></extra>",
        )  # fmt: skip
    figure.update_layout(height=380, **frame())
    longest = max((len(row.history) for cell in shown for row in cell.rows), default=1)
    figure.update_xaxes(title="Epoch", **counting(longest))
    figure.update_yaxes(title="Validation accuracy", tickformat=".0%", fixedrange=True)
    return figure


def differences(
    results: Sequence[CellResult], compared: Sequence[Comparison], baseline: str
) -> go.Figure:
    """Draw each setting's difference to the baseline, with its 95 % interval, in points."""
    titles = {cell.place: shortened(cell.title) for cell in results}
    rows = [(titles[c.place], c.found) for c in compared if c.found and c.found.interval]
    rows.sort(key=lambda row: row[1].mean)
    ends = [(pair.interval or (math.nan, math.nan)) for _, pair in rows]
    means = [100 * pair.mean for _, pair in rows]
    figure = go.Figure()
    figure.add_scatter(
        x=means, y=[title for title, _ in rows], mode="markers", marker={"size": 10},
        error_x={"type": "data", "symmetric": False, "thickness": 2, "width": 5,
                 "array": [100 * e[1] - m for e, m in zip(ends, means, strict=True)],
                 "arrayminus": [m - 100 * e[0] for e, m in zip(ends, means, strict=True)]},
        hovertemplate="%{x:+.2f} points<extra></extra>",
    )  # fmt: skip
    figure.add_vline(x=0, line={"dash": "dash", "width": 1.2, "color": FAINT})
    figure.update_layout(height=90 + 34 * len(rows), **frame())
    figure.update_layout(showlegend=False)
    figure.update_xaxes(
        title=f"Difference in validation accuracy to {shortened(baseline)} (points)",
        fixedrange=True,
    )
    figure.update_yaxes(fixedrange=True, automargin=True, showgrid=False)
    return figure


def counting(most: int) -> dict[str, object]:
    """Return an axis that counts 1, 2, 3, ... up to `most`, without ticks in between."""
    return {"tick0": 1 if most <= 10 else 0, "dtick": max(1, round(most / 10)),
            "showgrid": False, "fixedrange": True}  # fmt: skip


def frame() -> dict[str, object]:
    """Return the layout that all figures of the page share."""
    return {
        "margin": {"t": 8, "r": 12, "b": 8, "l": 8},
        "legend": {"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom"},
    }


def color(index: int) -> str:
    """Return the color of a cell of the sweep."""
    return ANY[index % len(ANY)]


def shortened(title: str) -> str:
    """Cut a title that is too long for the side of a chart, and abbreviate long words."""
    title = title.replace("learning rate ", "rate ")
    return title if len(title) <= LONGEST else title[: LONGEST - 1].rstrip() + "\u2026"
