"""The finished report beside its form, in the colors of the dashboard."""

from collections.abc import Iterable
from typing import Any

import streamlit as st

from app import theme
from app.shared.charts import LiveFigure
from app.shared.live_chart import live_chart
from cifar_core.report.blocks import (
    EDITED,
    Block,
    Chart,
    Heading,
    Line,
    Panel,
    Table,
    Text,
    note_of,
)
from cifar_core.report.plotly_json import FAINT, mark_label, mark_line, plain

HEIGHT = 880  # pixels; what is longer scrolls inside
NO_CURVES = "There are no curves to draw: the rows of metrics are missing or damaged."


def preview(blocks: Iterable[Block]) -> None:
    """Draw the blocks of a report."""
    with st.container(height=HEIGHT, border=True, key="report_preview"):
        for block in blocks:
            draw(block)


def draw(block: Block) -> None:
    """Draw one block."""
    match block:
        case Heading(level=3):
            st.markdown(f"**{theme.safe(block.text)}**")
        case Heading():
            write = st.header if block.level == 1 else st.subheader
            write(theme.safe(block.text), anchor=False)
        case Text():
            for part in block.paragraphs:
                st.markdown(theme.safe(part))
            origin(block)
        case Table():
            table(block)
            origin(block)
        case Chart():
            chart(block)


def origin(block: Text | Table) -> None:
    """Draw where a block comes from."""
    words = note_of(block)
    if words and words != EDITED:
        words = f"From {words}"
    if words:
        st.caption(theme.safe(words))


def table(of: Table) -> None:
    """Draw a table; without titles, the first column names the rows."""
    rows = [[theme.safe(cell) for cell in row] for row in of.rows]
    if of.titles:
        shown: dict[str, Any] = {
            title: [row[place] for row in rows] for place, title in enumerate(of.titles)
        }
        st.table(shown, border="horizontal", hide_index=True, alt="Comparison of the runs")
    else:
        st.table({row[0]: row[1] for row in rows}, border="horizontal", alt="Facts about the run")


def chart(of: Chart) -> None:
    """Draw the panels of a chart, below each other on a narrow page, or say why there are none."""
    if not any(len(line.x) for panel in of.panels for line in panel.lines):
        st.caption(NO_CURVES)
        return
    with st.grid(len(of.panels), min_column_width=260):
        for place, panel in enumerate(of.panels):
            with st.container():
                st.markdown(f"**{theme.safe(panel.title)}**")
                figure = panel_figure(of, panel, labeled=not place)
                live_chart(figure, key=f"report {of.key} {place}")


def panel_figure(of: Chart, panel: Panel, *, labeled: bool) -> LiveFigure:
    """Describe one panel; runs have the colors and dashes that they have on the Compare page.

    The marks of the chart have their labels in one of its panels.
    """
    header = {
        "traces": [trace(line, is_share=panel.is_share) for line in panel.lines],
        "layout": {
            "height": 280,
            "uirevision": of.key,
            "margin": {"t": 4, "r": 8, "b": 8, "l": 8},
            "hovermode": "closest",
            "legend": {"orientation": "h", "x": 0, "y": -0.32, "yanchor": "top"},
            "xaxis": {"title": {"text": "Epoch", "standoff": 4}, "showgrid": False,
                      "automargin": True, "fixedrange": True},
            "yaxis": {"automargin": True, "fixedrange": True, "nticks": 6,
                      "tickformat": ".0%" if panel.is_share else None},
            "shapes": [mark_line(mark, "") for mark in of.marks],
            "annotations": [mark_label(mark) for mark in of.marks if labeled],
        },
        "window": None,
        "revision": of.key,
        "step": 0.0,
        "alt": f"{of.title}: {panel.title.lower()}",
    }  # fmt: skip
    return LiveFigure(header=header, arrays=[a for line in panel.lines for a in (line.x, line.y)])


def trace(line: Line, *, is_share: bool) -> dict[str, Any]:
    """Describe a line."""
    value = "%{y:.2%}" if is_share else "%{y:.4f}"
    seen: dict[str, Any] = {"hovertemplate": f"{plain(line.name)}: {value}<extra></extra>"}
    return {
        "name": plain(line.name),
        "uid": line.name,
        "color": line.color,
        "mode": "lines+markers" if line.marked else "lines",
        "marker": {"size": 5},
        "line": {"dash": line.dash, "width": 1 if line.faint else 2},
        "showlegend": not line.faint,
        **({"opacity": FAINT, "hoverinfo": "skip"} if line.faint else seen),
    }
