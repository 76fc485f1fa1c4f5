"""The figure of how a run used its machine, on the horizontal axis of its curves."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.screens.run.watch.charts import LOW, LiveOptions, line, stacked, unit_of
from app.shared.charts import LiveFigure, thinned
from cifar_core.palette import LIGHT
from cifar_core.reading.curves import Values
from cifar_core.reading.machine.samples import Placed

GB = 1e9
RUN, MACHINE, FIRST_GPU = 0, 3, 1  # indexes into the theme's list of colors
RUN_NAME, MACHINE_NAME = "This run", "Machine"


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One panel of the figure; panels without a known value are left out."""

    title: str
    axis: str
    unit: str  # after a value
    digits: str = ".0f"  # how a value is written
    highest: float | None = None  # end of the vertical axis, if it always has the same


CPU = Panel(title="CPU, % of the cores", axis="y", unit="\u00a0%", highest=100)
MEMORY = Panel(title="Memory, GB", axis="y2", unit="\u00a0GB", digits=".2f")
DISK = Panel(title="Free disk space, GB", axis="y3", unit="\u00a0GB", digits=".1f")
OF_A_GPU = {  # figure -> its panel, and what its values are divided by
    "utilization": (
        Panel(title="GPU, % of the time", axis="y4", unit="\u00a0%", highest=100),
        1.0,
    ),
    "memory_used": (
        Panel(title="GPU memory, GB", axis="y5", unit="\u00a0GB", digits=".2f"),
        GB,
    ),
    "temperature": (Panel(title="GPU temperature, °C", axis="y6", unit="\u00a0°C"), 1.0),
    "power": (Panel(title="GPU power, W", axis="y7", unit="\u00a0W"), 1.0),
}


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of the figure."""

    name: str
    panel: Panel
    color: int
    values: Values  # [M]


def machine_figure(placed: Placed, options: LiveOptions) -> LiveFigure:
    """Draw what is known of the machine, GPUs first; the gaps are where nothing was trained."""
    x, order = with_gaps(placed, options)
    drawn = [one for one in lines(placed) if np.isfinite(one.values).any()]
    panels = {one.panel.axis: one.panel for one in drawn} or {CPU.axis: CPU}
    named: set[str] = set()
    traces = []
    for one in drawn:
        traces.append(described(one) | {"showlegend": one.name not in named})
        named.add(one.name)
    arrays = [
        array
        for one in drawn
        for array in thinned(x, np.append(one.values, np.nan)[order], options.window)
    ]
    layout = stacked([(panel.title, axis, LOW) for axis, panel in panels.items()], options)
    for axis, panel in panels.items():
        ends = {"range": [0, panel.highest]} if panel.highest else {"rangemode": "tozero"}
        layout[f"yaxis{axis[1:]}"] |= {"nticks": 4, "tickformat": "~g", **ends}
    return LiveFigure(
        header={
            "traces": traces,
            "layout": layout,
            "window": options.window,
            "revision": f"{options.revision} {options.by_epoch} machine",
            "unit": unit_of(options),
            "follows": True,  # the zoom of the curves
            "step": float(placed.step[-1]) if len(placed) else 0.0,
            "alt": "Use of the machine by the run: "
            + "; ".join(panel.title for panel in panels.values()),
        },
        arrays=arrays,
    )


def lines(placed: Placed) -> Iterator[Line]:
    """Return every line that there may be."""
    for number, (device, values) in enumerate(placed.samples.gpus.items()):
        name = device if len(placed.samples.gpus) > 1 else "GPU"
        color = (FIRST_GPU + number) % len(LIGHT)
        for figure, (panel, divisor) in OF_A_GPU.items():
            yield Line(name=name, panel=panel, color=color, values=values[figure] / divisor)
    of = placed.samples.figures
    yield Line(name=RUN_NAME, panel=CPU, color=RUN, values=100 * of["cpu"] / of["cpu_allowed"])
    yield Line(
        name=MACHINE_NAME, panel=CPU, color=MACHINE, values=100 * of["cpu_busy"] / of["cpu_all"]
    )
    yield Line(name=RUN_NAME, panel=MEMORY, color=RUN, values=of["memory"] / GB)
    yield Line(name=MACHINE_NAME, panel=MEMORY, color=MACHINE, values=of["memory_used"] / GB)
    yield Line(name=MACHINE_NAME, panel=DISK, color=MACHINE, values=of["disk_free"] / GB)


def described(one: Line) -> dict[str, Any]:
    """Describe the trace of a line."""
    panel = one.panel
    kind, _, _ = panel.title.partition(",")
    hover = f"{one.name}: {kind} %{{y:{panel.digits}}}{panel.unit}<extra></extra>"
    return line(one.name, panel.axis, one.color, line={"width": 1.5}, hovertemplate=hover)


def with_gaps(placed: Placed, options: LiveOptions) -> tuple[Values, Any]:
    """Return the positions, and for each the index of its sample; -1 for a gap between attempts."""
    begun = placed.samples.time - placed.age
    again = np.flatnonzero(np.diff(begun) > 1) + 1 if len(placed) else np.zeros(0, dtype=int)
    x = placed.epoch if options.by_epoch else placed.step
    order = np.insert(np.arange(len(placed)), again, -1)
    return np.insert(x, again, x[again] if len(again) else []), order
