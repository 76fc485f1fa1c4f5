"""Figures of a hyperparameter search: pure functions from its proposals."""

from collections.abc import Sequence
from itertools import accumulate

import plotly.graph_objects as go

from app.screens.sweep.charts import MOST_CURVES, color, counting, frame, shortened
from cifar_core.palette import FAINT, pen_on_any
from cifar_core.runs.sweeps.search_results import PRUNED, Proposal, ranked

SHARE = {"autorangeoptions": {"clipmin": 0, "clipmax": 1}, "fixedrange": True}


def history(proposals: Sequence[Proposal]) -> go.Figure:
    """Draw the accuracy of each run of a search, in order, and the best so far."""
    done = [run for run in proposals if run.accuracy is not None]
    figure = go.Figure()
    for name, runs, symbol in (
        ("Finished", done, "circle"),
        (PRUNED, pruned(proposals), "x-thin-open"),
    ):
        figure.add_scatter(
            x=[run.number for run in runs], y=[reached(run) for run in runs], mode="markers",
            name=name, text=[run.title for run in runs], marker={"size": 10, "symbol": symbol},
            hovertemplate="%{text}: %{y:.2%}<extra></extra>",
        )  # fmt: skip
    figure.add_scatter(
        x=[run.number for run in done], y=list(accumulate(map(reached, done), max)), mode="lines",
        name="Best so far", line={"shape": "hv", "width": 2},
        hovertemplate="best so far %{y:.2%}<extra></extra>",
    )  # fmt: skip
    figure.update_layout(height=340, **frame())
    figure.update_xaxes(title="Run of the search", **counting(len(proposals)))
    figure.update_yaxes(title="Validation accuracy, best epoch", tickformat=".1~%", **SHARE)
    return figure


def by_setting(proposals: Sequence[Proposal], name: str, label: str, *, log: bool) -> go.Figure:
    """Draw accuracy over one of the searched settings, with the best run marked."""
    best = ranked(proposals)[:1]
    done = [run for run in proposals if run.accuracy is not None]
    figure = go.Figure()
    for title, runs, marker in (
        ("Finished", done, {"size": 9, "opacity": 0.7, "color": color(0)}),
        (PRUNED, pruned(proposals), {"size": 9, "symbol": "x-thin-open", "color": FAINT}),
        ("Best", best, {"size": 15, "symbol": "star", "color": color(1)}),
    ):
        values = [run.changes[name] for run in runs]
        figure.add_scatter(
            x=[v if isinstance(v, int | float) and not isinstance(v, bool) else str(v)
               for v in values],
            y=[reached(run) for run in runs], mode="markers", name=title, marker=marker,
            text=[run.title for run in runs], hovertemplate="%{text}: %{y:.2%}<extra></extra>",
        )  # fmt: skip
    figure.update_layout(height=340, **frame())
    figure.update_xaxes(title=label, fixedrange=True)
    if log:
        figure.update_xaxes(type="log", tickformat="~g", dtick="D2")
    figure.update_yaxes(title="Validation accuracy, best epoch", tickformat=".1~%", **SHARE)
    return figure


def curves(proposals: Sequence[Proposal]) -> go.Figure:
    """Draw every run's validation accuracy by epoch, the best ones in color on top."""
    best = ranked(proposals)[:MOST_CURVES]
    others = [run for run in proposals if run not in best and run.row and run.row.history]
    figure = go.Figure()
    for run in [*others, *reversed(best)]:
        named = run in best
        values = run.row.history if run.row else []
        paint, dash = pen_on_any(run.row.number) if named and run.row else (FAINT, "solid")
        figure.add_scatter(
            x=list(range(1, len(values) + 1)), y=values, name=shortened(run.title),
            mode="lines" if len(values) > 1 else "markers", showlegend=named,
            line={"color": paint, "dash": dash, "width": 2.5 if named else 1},
            opacity=1 if named else 0.6,
            hovertemplate=f"{shortened(run.title)}, epoch %{{x}}: %{{y:.2%}}<extra></extra>",
        )  # fmt: skip
    figure.update_layout(height=380, **frame())
    figure.update_layout(legend={"traceorder": "reversed"})
    longest = max((len(run.row.history) for run in proposals if run.row), default=1)
    figure.update_xaxes(title="Epoch", **counting(longest))
    figure.update_yaxes(title="Validation accuracy", tickformat=".0%", **SHARE)
    return figure


def pruned(proposals: Sequence[Proposal]) -> list[Proposal]:
    """Return the runs that the search stopped early, after at least one epoch."""
    return [run for run in proposals if run.outcome == PRUNED and run.row and run.row.history]


def reached(run: Proposal) -> float:
    """Return the best validation accuracy of a run that has one."""
    return (run.row.best_val_accuracy if run.row else None) or 0.0
