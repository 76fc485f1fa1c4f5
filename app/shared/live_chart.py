"""The live curves: one chart that keeps zoom, pan and hidden legend entries as it grows.

Streamlit rebuilds its own charts whenever their data change. This one is a component whose browser
side calls Plotly.react. Its figure is sent in two parts: a small JSON header, and the numbers as
float32, which need no printing or parsing.
"""

import json
import struct
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from app.shared.charts import LiveFigure

HERE = Path(__file__).parent
PLOTLY = HERE.parent / "static" / "plotly.min.js"

_mount = st.components.v2.component(
    "cifar_lab.live_chart",
    html="<div class='live-chart' role='figure'></div>"
    "<details class='numbers'><summary>Numbers</summary><div></div></details>",
    js=(HERE / "live_chart.js").read_text("utf-8"),
    isolate_styles=False,
)


def publish_plotly(target: Path = PLOTLY) -> None:
    """Copy plotly.js from the plotly wheel to where the server serves it, if it is not there."""
    if target.exists():
        return
    wheel = find_spec("plotly")
    assert wheel is not None
    assert wheel.origin is not None
    draft = target.with_suffix(".draft")
    draft.write_bytes((Path(wheel.origin).parent / "package_data" / "plotly.min.js").read_bytes())
    draft.replace(target)


def pack(figure: LiveFigure) -> bytes:
    """Return the header's length, the header as JSON and the arrays, aligned to 4 bytes."""
    sizes = [len(array) for array in figure.arrays]
    header = json.dumps({**figure.header, "sizes": sizes}).encode()
    header += b" " * (-len(header) % 4)
    with np.errstate(over="ignore"):  # a number beyond float32 is drawn as a gap
        body = b"".join(np.ascontiguousarray(a, np.float32).tobytes() for a in figure.arrays)
    return struct.pack("<I", len(header)) + header + body


def unpack(data: bytes) -> LiveFigure:
    """Return the figure that was packed."""
    (length,) = struct.unpack_from("<I", data)
    header: dict[str, Any] = json.loads(data[4 : 4 + length])
    sizes = header.pop("sizes")
    numbers = np.frombuffer(data, np.float32, offset=4 + length)
    return LiveFigure(header=header, arrays=np.split(numbers, np.cumsum(sizes)[:-1]))


def live_chart(figure: LiveFigure, *, key: str) -> None:
    """Draw or update the chart; the part that a viewer zooms in on is kept in the session."""
    _mount(key=key, data=pack(figure), height="content", on_window_change=lambda: None)


def window(key: str) -> tuple[float, float] | None:
    """Return the part of the horizontal axis that the viewer has zoomed in on, if any."""
    ends = st.session_state.get(key, {}).get("window")
    return (float(ends[0]), float(ends[1])) if ends else None
