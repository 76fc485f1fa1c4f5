"""Plotly figures: each with its numbers as a table, folded away below it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from app import theme
from cifar_core.palette import DARK, LIGHT

MOST_ROWS = 100  # of a table; of longer ones every second, third, ... row is shown


@dataclass(frozen=True, kw_only=True)
class Table:
    """Numbers of a chart: a header, then one row for each position."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]


def show_figure(figure: go.Figure, *, key: str, alt: str, **options: Any) -> Any:
    """Draw a figure and its numbers; return what `st.plotly_chart` returns.

    `alt` says what the figure shows, for people who cannot see it.
    """
    config = {"displayModeBar": False}
    if figure.layout.colorway is None:  # else Plotly's own colors, whatever the theme
        figure.update_layout(colorway=DARK if st.context.theme.type == "dark" else LIGHT)
    chosen = st.plotly_chart(figure, key=key, alt=alt, config=config, **options)
    if drawn := list(tables(figure)):
        st.html(as_html(drawn, alt))
    return chosen


def as_html(drawn: Iterable[Table], alt: str) -> str:
    """Return tables, folded away."""
    summary = f'<summary aria-label="{escape(f"Numbers: {alt}")}">Numbers</summary>'
    return f'<details class="numbers">{summary}{"".join(map(table_html, drawn))}</details>'


def table_html(table: Table) -> str:
    """Return one table."""
    every = max(1, -(-len(table.rows) // MOST_ROWS))
    caption = f"<caption>One row in {every}</caption>" if every > 1 else ""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in table.head)
    body = "".join(
        f'<tr><th scope="row">{escape(place)}</th>'
        + "".join(f"<td>{escape(value)}</td>" for value in values)
        + "</tr>"
        for place, *values in table.rows[::every]
    )
    return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def tables(figure: go.Figure) -> Iterator[Table]:
    """Return the numbers of every trace; traces over the same positions share a table."""
    shared: dict[tuple[str, ...], dict[str, Sequence[str]]] = {}  # across and places -> columns
    for trace in figure.data:
        if trace.type == "heatmap":
            yield of_matrix(figure, trace)
        elif trace.type == "parcoords":
            yield in_columns({axis.label: written(axis.values) for axis in trace.dimensions})
        elif is_read(trace):
            across = title(figure, "yaxis" if is_lying(trace) else "xaxis")
            places, columns = of_line(figure, trace)
            together = shared.setdefault((across, *places), {})
            for name, column in columns.items():
                while name in together:  # two lines without a name of their own
                    name += "'"
                together[name] = column
    for (across, *places), columns in shared.items():
        yield in_columns({across: places, **columns})


def is_read(trace: Any) -> bool:
    """Whether a trace has numbers of its own: bands and invisible points repeat other traces'."""
    if trace.type not in ("scatter", "bar") or trace.x is None or not len(trace.x):
        return False
    return trace.hoverinfo != "skip" and trace.marker.opacity != 0


def is_lying(trace: Any) -> bool:
    """Whether a trace has its positions, which are names, on the vertical axis."""
    return any(isinstance(value, str) for value in trace.y)


def of_line(figure: go.Figure, trace: Any) -> tuple[list[str], dict[str, Sequence[str]]]:
    """Return the positions of a trace and its columns: values, and ends of their intervals."""
    axis = "x" if is_lying(trace) else "y"
    values = trace[axis]
    places = trace.y if axis == "x" else trace.x
    what = title(figure, (trace.yaxis or "y").replace("y", "yaxis")) or "Value"
    name = trace.name or ", ".join(filter(None, (trace.legendgroup, what)))
    form = figure.layout[(trace[f"{axis}axis"] or axis).replace(axis, f"{axis}axis")].tickformat
    columns: dict[str, Sequence[str]] = {name: written(values, form)}
    error = trace[f"error_{axis}"]
    if error.array is not None:
        below = error.array if error.arrayminus is None else error.arrayminus
        columns[f"{name}, from"] = written(np.subtract(values, below), form)
        columns[f"{name}, to"] = written(np.add(values, error.array), form)
    return written(places, figure.layout.xaxis.tickformat if axis == "y" else None), columns


def of_matrix(figure: go.Figure, trace: Any) -> Table:
    """Return the numbers of a heat map, with the labels of its axes."""
    values = np.asarray(trace.z, dtype=float)
    across = labels(figure, "xaxis", trace.x, values.shape[1])
    down = labels(figure, "yaxis", trace.y, len(values))
    rows = [[name, *written(line)] for name, line in zip(down, values, strict=True)]
    head = f"{title(figure, 'yaxis')}, by {title(figure, 'xaxis').lower()}"
    return Table(head=[head, *across], rows=rows)


def in_columns(columns: Mapping[str, Sequence[str]]) -> Table:
    """Return columns of equal length as a table."""
    return Table(head=list(columns), rows=list(zip(*columns.values(), strict=True)))


def labels(figure: go.Figure, axis: str, own: Any, count: int) -> list[str]:
    """Return what an axis of a heat map shows at each of its places."""
    if own is None:
        own = figure.layout[axis].ticktext
    return written(range(count) if own is None else own)


def title(figure: go.Figure, axis: str) -> str:
    """Return the title of an axis; empty without one."""
    return str(figure.layout[axis].title.text or "")


def written(values: Iterable[Any], form: str | None = None) -> list[str]:
    """Return values of a trace as text: shares in percent, other numbers with four digits.

    `form` is the format of the ticks of their axis.
    """
    is_share = (form or "").endswith("%")
    return [
        value if isinstance(value, str)
        else theme.NONE if value is None or np.isnan(value)
        else theme.percent(value) if is_share
        else f"{value:.4g}"
        for value in values
    ]  # fmt: skip
