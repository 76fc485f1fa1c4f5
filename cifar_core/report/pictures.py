"""Draws a chart as a PNG picture with matplotlib, for formats without scripts."""

import io
from typing import TYPE_CHECKING

from cifar_core.palette import FAINT as PALE
from cifar_core.palette import GRID, LIGHT
from cifar_core.report.blocks import Chart, Line, Mark, Panel

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INCHES = (9.0, 3.6)
DPI = 144
STYLES = {"solid": "-", "dash": "--", "dot": ":", "dashdot": "-."}  # in matplotlib's words
FAINT = 0.25  # opacity of a line behind the others


def png(chart: Chart) -> bytes:
    """Return a chart as a PNG; needs no display, and changes no global state."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=INCHES, dpi=DPI, layout="constrained")
    axes = figure.subplots(1, len(chart.panels), squeeze=False)[0]
    for pair, panel in zip(axes, chart.panels, strict=True):
        draw(pair, panel)
        for mark in chart.marks:
            pair.axvline(mark.x, color=PALE, linewidth=1.0, linestyle="-.", zorder=1)
    for mark in chart.marks:
        write(axes[0], mark)
    handles, names = axes[0].get_legend_handles_labels()
    legend = figure.legend(handles, names, loc="outside lower left", ncols=2, frameon=False,
                           fontsize=9)  # fmt: skip
    for text in legend.get_texts():
        text.set_parse_math(False)  # a dollar sign in a name does not begin a formula
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()


def draw(axes: "Axes", panel: Panel) -> None:
    """Draw one panel."""
    for line in panel.lines:
        axes.plot(line.x, line.y, color=LIGHT[line.color], label=label(line),
                  linewidth=0.8 if line.faint else 1.8, alpha=FAINT if line.faint else 1.0,
                  linestyle=STYLES[line.dash],
                  marker="o" if line.marked else None, markersize=3.5)  # fmt: skip
    axes.set_title(panel.title, loc="left", fontsize=10)
    axes.set_xlabel("epoch", fontsize=9)
    axes.locator_params(axis="x", integer=True)
    axes.tick_params(labelsize=9)
    axes.grid(color=GRID, linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)
    if panel.is_share:
        axes.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")


def write(axes: "Axes", mark: Mark) -> None:
    """Write the label of a mark beside its line, upright."""
    axes.text(mark.x, 0.98, mark.label, transform=axes.get_xaxis_transform(), rotation=90,
              ha="right", va="top", fontsize=8, color=PALE, parse_math=False)  # fmt: skip


def label(line: Line) -> str:
    """Return a line's label; matplotlib's legend leaves out labels with a leading underscore."""
    return f"_{line.name}" if line.faint else line.name.lstrip("_")
