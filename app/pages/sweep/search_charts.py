"""Figures of a search: pure functions from what it tried."""

from collections.abc import Sequence
from itertools import accumulate

import plotly.graph_objects as go

from app.pages.sweep.charts import MOST_CURVES, color, counting, frame, shortened
from cifar_core.palette import FAINT
from cifar_core.runs.sweeps.search_results import PRUNED, Tried, ranked

SHARE = {"autorangeoptions": {"clipmin": 0, "clipmax": 1}, "fixedrange": True}


def history(found: Sequence[Tried]) -> go.Figure:
    """Draw what each run of a search achieved, in order, and the best so far."""
    done = [one for one in found if one.accuracy is not None]
    figure = go.Figure()
    for name, tried, symbol in (
        ("Finished", done, "circle"),
        (PRUNED, pruned(found), "x-thin-open"),
    ):
        figure.add_scatter(
            x=[one.place for one in tried], y=[reached(one) for one in tried], mode="markers",
            name=name, text=[one.title for one in tried], marker={"size": 10, "symbol": symbol},
            hovertemplate="%{text}: %{y:.2%}<extra></extra>",
        )  # fmt: skip
    figure.add_scatter(
        x=[one.place for one in done], y=list(accumulate(map(reached, done), max)), mode="lines",
        name="Best so far", line={"shape": "hv", "width": 2},
        hovertemplate="best so far %{y:.2%}<extra></extra>",
    )  # fmt: skip
    figure.update_layout(height=340, **frame())
    figure.update_xaxes(title="Run of the search", **counting(len(found)))
    figure.update_yaxes(title="Best validation accuracy", tickformat=".1~%", **SHARE)
    return figure


def by_setting(found: Sequence[Tried], name: str, label: str, *, log: bool) -> go.Figure:
    """Draw accuracy over one of the settings that were searched, the best run marked."""
    done, best = [one for one in found if one.accuracy is not None], ranked(found)[:1]
    figure = go.Figure()
    for title, tried, marker in (
        ("Finished", done, {"size": 9, "opacity": 0.7, "color": color(0)}),
        (PRUNED, pruned(found), {"size": 9, "symbol": "x-thin-open", "color": FAINT}),
        ("Best", best, {"size": 15, "symbol": "star", "color": color(1)}),
    ):
        values = [one.changes[name] for one in tried]
        figure.add_scatter(
            x=[v if isinstance(v, int | float) and not isinstance(v, bool) else str(v)
               for v in values],
            y=[reached(one) for one in tried], mode="markers", name=title, marker=marker,
            text=[one.title for one in tried], hovertemplate="%{text}: %{y:.2%}<extra></extra>",
        )  # fmt: skip
    figure.update_layout(height=340, **frame())
    figure.update_xaxes(title=label, fixedrange=True)
    if log:
        figure.update_xaxes(type="log", tickformat="~g", dtick="D2")
    figure.update_yaxes(title="Best validation accuracy", tickformat=".1~%", **SHARE)
    return figure


def curves(found: Sequence[Tried]) -> go.Figure:
    """Draw the validation accuracy by epoch of every run, the best ones in colour on top."""
    best = ranked(found)[:MOST_CURVES]
    others = [one for one in found if one not in best and one.row and one.row.history]
    figure = go.Figure()
    for place, one in enumerate([*others, *reversed(best)]):
        named = one in best
        values = one.row.history if one.row else []
        figure.add_scatter(
            x=list(range(1, len(values) + 1)), y=values, name=shortened(one.title),
            mode="lines" if len(values) > 1 else "markers", showlegend=named,
            line={"color": color(len(best) - 1 - place + len(others)) if named else FAINT,
                  "width": 2.5 if named else 1},
            opacity=1 if named else 0.6,
            hovertemplate=f"{shortened(one.title)}, epoch %{{x}}: %{{y:.2%}}<extra></extra>",
        )  # fmt: skip
    figure.update_layout(height=380, **frame())
    figure.update_layout(legend={"traceorder": "reversed"})
    longest = max((len(one.row.history) for one in found if one.row), default=1)
    figure.update_xaxes(title="Epoch", **counting(longest))
    figure.update_yaxes(title="Validation accuracy", tickformat=".0%", **SHARE)
    return figure


def pruned(found: Sequence[Tried]) -> list[Tried]:
    """Return what the search gave up after at least an epoch."""
    return [one for one in found if one.outcome == PRUNED and one.row and one.row.history]


def reached(one: Tried) -> float:
    """Return the best validation accuracy of a run that has one."""
    return (one.row.best_val_accuracy if one.row else None) or 0.0
