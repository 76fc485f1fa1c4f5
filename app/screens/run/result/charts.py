"""Figures about a network's predictions for many images, as pure functions of plain data."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from cifar_core.evaluation.calibration import Reliability
from cifar_core.evaluation.coverage import Coverage
from cifar_core.evaluation.scores import ClassScore
from cifar_core.palette import ANY, FAINT, faded

SHADES = [[0.0, faded(ANY[0], 0)], [1.0, faded(ANY[0], 0.95)]]  # none to most
TIGHT = {"t": 8, "r": 8, "b": 8, "l": 8}
WRITTEN = 20  # most classes for which each cell has its number
DRAWN = 1000  # points of a curve; more than a screen has


def confusion_figure(
    values: NDArray[np.floating], classes: Sequence[str], *, percent: bool = False
) -> go.Figure:
    """Draw a confusion matrix [K, K], the true classes in rows; NaN is left blank.

    Heat maps cannot be clicked in Streamlit, so each cell has an invisible point: x is the index
    of the predicted class, y that of the true class.
    """
    count = len(classes)
    form = "{:.0%}" if percent else "{:.0f}"
    text = [[form.format(v) if v > 0 and count <= WRITTEN else "" for v in row] for row in values]
    figure = go.Figure()
    figure.add_heatmap(
        z=values, text=text, texttemplate="%{text}", colorscale=SHADES, showscale=False,
        xgap=1, ygap=1, hoverinfo="skip", zmin=0,
    )  # fmt: skip
    rows, columns = np.indices(values.shape).reshape(2, -1)
    hover = [
        f"{classes[i]} predicted as {classes[j]}: {form.format(values[i, j])}"
        for i, j in zip(rows, columns, strict=True)
    ]
    still = {"marker": {"opacity": 0}}
    figure.add_scatter(
        x=columns, y=rows, mode="markers", hovertext=hover, hoverinfo="text",
        marker={"size": max(6, 380 // count), "symbol": "square", "opacity": 0},
        selected=still, unselected=still,
    )  # fmt: skip
    ticks = {"tickvals": list(range(count)), "ticktext": list(classes), "fixedrange": True,
             "showgrid": False, "zeroline": False}  # fmt: skip
    figure.update_layout(height=max(320, min(820, 130 + 38 * count)), margin=TIGHT,
                         showlegend=False, clickmode="event+select", dragmode=False)  # fmt: skip
    figure.update_xaxes(title="Predicted class", range=[-0.5, count - 0.5], tickangle=-45, **ticks)
    figure.update_yaxes(title="True class", range=[count - 0.5, -0.5], ticksuffix=" ", **ticks)
    return figure


def class_figure(scores: Sequence[ClassScore], classes: Sequence[str]) -> go.Figure:
    """Draw precision and recall of each class on one line, so that their gap can be seen."""
    figure = go.Figure()
    for score, name in zip(scores, classes, strict=True):
        figure.add_scatter(
            x=[score.precision, score.recall], y=[name, name], mode="lines", hoverinfo="skip",
            line={"color": FAINT, "width": 3}, showlegend=False,
        )  # fmt: skip
    for color, (title, symbol) in enumerate((("Precision", "diamond"), ("Recall", "circle"))):
        figure.add_scatter(
            x=[getattr(score, title.lower()) for score in scores], y=list(classes), name=title,
            mode="markers", marker={"size": 11, "symbol": symbol, "color": ANY[color]},
            hovertemplate=f"%{{y}}: {title.lower()} %{{x:.1%}}<extra></extra>",
        )  # fmt: skip
    figure.update_layout(
        height=80 + 30 * len(classes), margin=TIGHT, colorway=ANY,
        legend={"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom"},
    )  # fmt: skip
    figure.update_xaxes(tickformat=".0%", fixedrange=True, nticks=6)
    figure.update_yaxes(autorange="reversed", fixedrange=True, ticksuffix=" ", showgrid=False)
    return figure


def reliability_figure(before: Reliability, after: Reliability | None) -> go.Figure:
    """Draw accuracy against confidence, with the images per bin, and after temperature if any."""
    drawn = {"Uncalibrated": before} | ({"Calibrated": after} if after else {})
    figure = go.Figure()
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", name="Perfect", hoverinfo="skip",
        line={"dash": "dash", "width": 1, "color": FAINT},
    )  # fmt: skip
    for color, (name, bins) in enumerate(drawn.items()):
        filled = bins.counts > 0
        figure.add_scatter(
            x=bins.confidence[filled], y=bins.accuracy[filled], name=name, mode="lines+markers",
            customdata=bins.counts[filled], line={"color": ANY[color], "width": 2},
            marker={"size": 4 + 9 * np.sqrt(bins.counts[filled] / bins.counts.max())},
            hovertemplate="confidence %{x:.1%}, accuracy %{y:.1%}, %{customdata:,} images"
            f"<extra>{name}</extra>",
        )  # fmt: skip
    middle, width = (before.edges[1:] + before.edges[:-1]) / 2, before.edges[1] - before.edges[0]
    for color, (name, bins) in enumerate(drawn.items()):
        figure.add_bar(
            name=f"{name}, images",
            x=middle, y=bins.counts / bins.counts.sum(), width=width, yaxis="y2", opacity=0.5,
            showlegend=False, hovertemplate="%{y:.1%} of the images<extra></extra>",
            marker={"color": ANY[color]},
        )  # fmt: skip
    figure.update_layout(
        height=430, margin=TIGHT, barmode="overlay",
        legend={"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom"},
        yaxis={"domain": [0.3, 1], "title": "Accuracy"}, xaxis={"anchor": "y2"},
        yaxis2={"domain": [0, 0.2], "title": "Images", "tickformat": ".0%", "nticks": 3},
    )  # fmt: skip
    figure.update_xaxes(title="Confidence", tickformat=".0%", range=[0, 1.01],
                        fixedrange=True)  # fmt: skip
    figure.update_yaxes(tickformat=".0%", fixedrange=True, rangemode="tozero")
    return figure


def coverage_figure(curve: Coverage, threshold: float) -> go.Figure:
    """Draw the accuracy of the accepted predictions over their share of the images."""
    chosen = np.unique(np.linspace(0, len(curve.coverage) - 1, DRAWN).astype(int))
    here = int((curve.thresholds >= threshold).sum()) - 1
    figure = go.Figure()
    figure.add_scatter(
        x=curve.coverage[chosen], y=curve.accuracy[chosen], mode="lines",
        customdata=curve.thresholds[chosen],
        hovertemplate="confidence at least %{customdata:.1%}: %{x:.1%} accepted, accuracy %{y:.1%}"
        "<extra></extra>",
    )  # fmt: skip
    if here >= 0:
        figure.add_scatter(
            x=[curve.coverage[here]], y=[curve.accuracy[here]], mode="markers",
            marker={"size": 13}, hoverinfo="skip",
        )  # fmt: skip
    figure.update_layout(height=300, margin=TIGHT, showlegend=False, colorway=ANY)
    figure.update_xaxes(title="Share of images accepted", tickformat=".0%", fixedrange=True,
                        range=[0, 1.02])  # fmt: skip
    figure.update_yaxes(title="Accuracy of the accepted", tickformat=".0%", fixedrange=True)
    return figure


def robustness_figure(
    labels: Sequence[str], shares: Sequence[float],
    intervals: Sequence[tuple[float, float]], plain: float,
) -> go.Figure:  # fmt: skip
    """Draw the accuracy on disturbed pictures, and as a line that on undisturbed ones."""
    shares_, bounds = np.array(shares), np.array(intervals)
    figure = go.Figure()
    figure.add_scatter(
        x=shares_, y=list(labels), mode="markers", marker={"size": 10},
        error_x={"type": "data", "symmetric": False, "thickness": 1.5, "width": 4,
                 "array": bounds[:, 1] - shares_, "arrayminus": shares_ - bounds[:, 0]},
        hovertemplate="%{y}: %{x:.1%}<extra></extra>",
    )  # fmt: skip
    figure.add_vline(x=plain, line={"dash": "dash", "width": 1, "color": FAINT},
                     annotation={"text": "undisturbed", "font": {"color": FAINT}},
                     annotation_position="top left")  # fmt: skip
    figure.update_layout(height=60 + 26 * len(labels), margin={**TIGHT, "t": 26}, showlegend=False,
                         colorway=ANY)  # fmt: skip
    figure.update_xaxes(tickformat=".0%", fixedrange=True)
    figure.update_yaxes(autorange="reversed", fixedrange=True, ticksuffix=" ")
    return figure


def lines_figure(
    epochs: Sequence[float],
    lines: Mapping[str, Sequence[float]],
    here: float,
    title: str,
    *,
    height: int = 420,
) -> go.Figure:
    """Draw shares over the epochs, one line per name, with a mark at the epoch `here`."""
    figure = go.Figure()
    dashes = ("solid", "dot", "dash")
    for index, (name, values) in enumerate(lines.items()):
        style: dict[str, Any] = {"width": 2, "dash": dashes[index // 8 % len(dashes)]}
        figure.add_scatter(
            x=list(epochs), y=list(values), name=name, mode="lines+markers", line=style,
            hovertemplate=f"{name}: %{{y:.1%}}<extra></extra>",
        )  # fmt: skip
    figure.add_vline(x=here, line={"width": 1, "color": FAINT})
    figure.update_layout(height=height, margin=TIGHT, hovermode="x unified", colorway=ANY)
    figure.update_xaxes(title="Epoch", showgrid=False, fixedrange=True)
    figure.update_yaxes(title=title, tickformat=".0%", rangemode="tozero", fixedrange=True)
    return figure
