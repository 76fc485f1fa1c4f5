"""A network's layers as a table: shape, mean, spread, dead channels; and the filters of one."""

from collections.abc import Sequence

import numpy as np
import streamlit as st
from PIL import Image

from app import theme
from app.cache.inside import activities, filters, layers
from app.shared.networks import Network
from cifar_core.errors import CifarError
from cifar_core.explain.render import enlarge
from cifar_core.inside import Layer
from cifar_core.models import MODELS
from cifar_core.runs.results.explanation import png

MOST_FILTERS = 64  # drawn at first
IMAGES = 256  # over which the activity is measured


def draw(network: Network) -> None:
    """Draw the table, and below it the filters of a convolution."""
    spec = MODELS[network.run.config.model]
    paper = f" [Paper]({spec.paper})" if spec.paper else ""
    st.markdown(f"**{spec.title}.** {spec.summary}{paper}")
    every = st.toggle("Every part", key="every_layer", help="Also what the main layers consist of.")
    found = [layer for layer in layers(*network.where) if layer.main or every]
    table(network, found)
    draw_filters(network)


def table(network: Network, found: Sequence[Layer]) -> None:
    """Draw the layers with their activity over test images."""
    try:
        with st.spinner(f"Running {IMAGES} test images through the network"):
            measured = activities(*network.where, *source_of(network), IMAGES)
    except CifarError as error:
        st.caption(f"No activity was measured. {theme.safe(str(error))}")
        measured = {}
    rows = [
        {
            "Layer": layer.name.removeprefix("body."),
            "Kind": layer.kind,
            "Shape": " x ".join(map(str, layer.shape)),
            "Mean": measured[layer.name].mean if measured else None,
            "Spread": measured[layer.name].spread if measured else None,
            "Dead channels": 100 * measured[layer.name].dead if measured else None,
        }
        for layer in found
    ]
    number = st.column_config.NumberColumn(format="%.3g", width="small")
    st.dataframe(
        rows, hide_index=True, height=min(460, 37 + 35 * len(rows)),
        column_config={
            "Mean": number, "Spread": number,
            "Dead channels": st.column_config.NumberColumn(format="%.1f %%", width="small"),
        },
    )  # fmt: skip
    st.caption(
        f"Over {IMAGES} test images. Spread is the standard deviation over images, channels and "
        "places. A channel is dead if it gives the same value at every place of every image."
    )


def source_of(network: Network) -> tuple[str, str]:
    """Return where the run's images come from."""
    return network.run.source, str(network.run.store_root)


def draw_filters(network: Network) -> None:
    """Draw the filters of a convolution that the person chooses, the first one at the start."""
    able = [
        layer.name
        for layer in layers(*network.where)
        if layer.kind.startswith("Conv") and filters(*network.where, layer.name) is not None
    ]
    if not able:
        st.caption("No layer has filters to draw.")
        return
    name = st.selectbox("Filters of", able, key="filters_of",
                        format_func=lambda name: name.removeprefix("body."))  # fmt: skip
    found = filters(*network.where, name)
    assert found is not None
    sheet = tiles([picture_of(each) for each in found[:MOST_FILTERS]])
    st.image(png(sheet), width=min(640, sheet.width), output_format="PNG", alt=f"Filters of {name}")
    colours = "Grey is a weight of 0; each filter is stretched to its largest weight."
    sizes = "The brighter, the larger the weights over all incoming channels together."
    shown = f"The first {MOST_FILTERS} of {len(found)}. " if len(found) > MOST_FILTERS else ""
    st.caption(shown + (colours if found.shape[1] == 3 else sizes))


def picture_of(filter_: "np.typing.NDArray[np.float32]") -> Image.Image:
    """Return one filter [3 or 1, h, w] in [0, 1] as a small picture."""
    pixels = np.uint8(255 * np.broadcast_to(filter_, (3, *filter_.shape[1:])).transpose(1, 2, 0))
    return enlarge(Image.fromarray(pixels), 56)


def tiles(pictures: Sequence[Image.Image], across: int = 10, gap: int = 4) -> Image.Image:
    """Lay equal pictures out in rows, on white."""
    side = pictures[0].width + gap
    across = min(across, len(pictures))
    down = -(-len(pictures) // across)
    sheet = Image.new("RGB", (across * side - gap, down * side - gap), "white")
    for number, picture in enumerate(pictures):
        sheet.paste(picture, (number % across * side, number // across * side))
    return sheet
