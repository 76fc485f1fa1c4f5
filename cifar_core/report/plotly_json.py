"""Turns a chart into plain values for Plotly's browser library; needs no Plotly here."""

import json
from importlib import resources
from typing import Any

from cifar_core.palette import FAINT as PALE
from cifar_core.palette import GRID, INK, LIGHT
from cifar_core.report.blocks import Chart, Line, Mark, rounded

GAP = 0.1  # of the width, between two panels
HEIGHT = 370  # of the panels side by side, in pixels
ABOVE, BELOW = 30, 95  # its margins, for titles and the legend
FAINT = 0.25  # opacity of a line behind the others


def figure(chart: Chart) -> dict[str, Any]:
    """Return data and layout."""
    width = (1 - GAP * (len(chart.panels) - 1)) / len(chart.panels)
    layout: dict[str, Any] = {
        "height": HEIGHT,
        "margin": {"l": 50, "r": 10, "t": ABOVE, "b": BELOW},
        "hovermode": "x unified",
        "legend": {"orientation": "h", "x": 0, "y": -0.24, "yanchor": "top"},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "system-ui, sans-serif", "size": 13, "color": INK},
        "annotations": [],
        "shapes": [],
    }
    traces: list[dict[str, Any]] = []
    for index, panel in enumerate(chart.panels):
        start, number = index * (width + GAP), str(index + 1) if index else ""
        layout[f"xaxis{number}"] = {
            "domain": [start, start + width], "anchor": f"y{number}", 
            "title": {"text": "epoch", "standoff": 4, "font": {"size": 12}},
            "gridcolor": GRID, "zeroline": False, "matches": "x" if number else None,
        }  # fmt: skip
        layout[f"yaxis{number}"] = {
            "anchor": f"x{number}", "gridcolor": GRID, "zeroline": False,
            "tickformat": ".0%" if panel.is_share else None,
        }  # fmt: skip
        layout["annotations"].append(caption(panel.title, start))
        traces += [
            trace(line, number, first=not index, is_share=panel.is_share) for line in panel.lines
        ]
        layout["shapes"] += [mark_line(mark, number) for mark in chart.marks]
    layout["annotations"] += [mark_label(mark) for mark in chart.marks]  # after the captions
    return {"data": traces, "layout": layout}


def stacked(chart: Chart) -> dict[str, Any]:
    """Return what changes in the layout of a narrow page: the panels lie below each other."""
    count = len(chart.panels)
    share = (1 - 2 * GAP * (count - 1)) / count
    changed: dict[str, Any] = {"height": HEIGHT * count - (ABOVE + BELOW) * (count - 1)}
    changed["legend.y"] = -0.24 / count
    for index in range(count):
        top = 1 - index * (share + 2 * GAP)
        number = str(index + 1) if index else ""
        changed[f"xaxis{number}.domain"] = [0, 1]
        changed[f"yaxis{number}.domain"] = [max(0.0, top - share), top]
        changed[f"annotations[{index}].x"] = 0
        changed[f"annotations[{index}].y"] = top + 0.02 / count
    return changed


def side_by_side(layout: dict[str, Any], changed: dict[str, Any]) -> dict[str, Any]:
    """Return the values of a wide page for what `stacked` changes."""

    def value(path: str) -> Any:
        found: Any = layout
        for part in path.replace("]", "").replace("[", ".").split("."):
            found = found[int(part)] if isinstance(found, list) else found.get(part)
        return found

    return {path: value(path) for path in changed}


def caption(title: str, x: float) -> dict[str, Any]:
    """Return a panel's title, above its upper left corner."""
    return {"text": plain(title), "x": x, "xref": "paper", "y": 1.02, "yref": "paper",
            "xanchor": "left", "yanchor": "bottom", "showarrow": False}  # fmt: skip


def mark_line(mark: Mark, number: str) -> dict[str, Any]:
    """Return the line of a mark in a panel."""
    return {"type": "line", "xref": f"x{number}", "yref": f"y{number} domain", "x0": mark.x,
            "x1": mark.x, "y0": 0, "y1": 1, "layer": "below",
            "line": {"dash": "dashdot", "width": 1.2, "color": PALE}}  # fmt: skip


def mark_label(mark: Mark) -> dict[str, Any]:
    """Return the label of a mark, in the first panel: upright, as there is little room."""
    return {"text": plain(mark.label), "xref": "x", "x": mark.x, "yref": "y domain", "y": 1,
            "xanchor": "right", "yanchor": "top", "textangle": -90, "showarrow": False,
            "font": {"color": PALE, "size": 11}}  # fmt: skip


def trace(line: Line, number: str, *, first: bool, is_share: bool) -> dict[str, Any]:
    """Return a line; it is in the legend once, which toggles it in every panel."""
    values: dict[str, Any] = {
        "type": "scatter",
        "x": rounded(line.x),
        "y": rounded(line.y),
        "xaxis": f"x{number}",
        "yaxis": f"y{number}",
        "name": plain(line.name),
        "legendgroup": plain(line.name),
        "showlegend": first and not line.faint,
        "mode": "lines+markers" if line.marked else "lines",
        "line": {"color": LIGHT[line.color], "width": 1 if line.faint else 2,
                 "dash": line.dash},
        "hovertemplate": "%{y:.2%}" if is_share else "%{y:.4f}",
    }  # fmt: skip
    return values | ({"opacity": FAINT, "hoverinfo": "skip", "hovertemplate": None}
                     if line.faint else {"marker": {"size": 6}})  # fmt: skip


def plain(text: str) -> str:
    """Escape a text in which Plotly would interpret tags."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def library() -> str:
    """Return Plotly's browser library, from the installed package."""
    return (resources.files("plotly") / "package_data" / "plotly.min.js").read_text("utf-8")


def inside_script(values: Any) -> str:
    """Return JSON that is safe inside a script element, regardless of its texts."""
    text = json.dumps(values, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
