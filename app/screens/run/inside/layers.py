"""A network's layers as a table with their activity, and the filters of one layer."""

from collections.abc import Sequence

import numpy as np
import streamlit as st
from PIL import Image

from app import boundary
from app.cache.inside import activities, filters, layers
from app.shared.networks import Network
from cifar_core.explain.render import enlarge
from cifar_core.inside import Activity, Layer
from cifar_core.models import MODELS
from cifar_core.runs.results.explanation import png

MOST_FILTERS = 64  # drawn at first
DEAD = "Dead channels"
DEAD_MEANS = "A channel is dead if it has the same value at every position in every image."
IMAGES = 256  # over which the activity is measured


def draw(network: Network) -> None:
    """Draw the table, and the filters of a convolution below it."""
    spec = MODELS[network.run.config.model]
    paper = f" [Paper]({spec.paper})" if spec.paper else ""
    st.markdown(f"**{spec.title}.** {spec.summary}{paper}")
    every = st.toggle("All parts", key="every_layer", help="Also shows the parts of each layer.")
    table(network, [layer for layer in layers(*network.where) if layer.main or every])
    draw_filters(network)


def table(network: Network, shown: Sequence[Layer]) -> None:
    """Draw the layers with their activity over test images."""
    try:
        with st.spinner("Running test images through the network"):
            measured = activities(*network.where, IMAGES)
    except boundary.REFUSED as error:
        st.caption(f"The activity could not be measured. {boundary.words(error)}")
        measured = {}
    dead = any(measured[layer.name].dead for layer in shown) if measured else False
    rows = [
        {
            "Layer": layer.name.removeprefix("body."),
            "Type": layer.kind,
            "Shape": " x ".join(map(str, layer.shape)),
            **(figures(measured[layer.name], dead=dead) if measured else {}),
        }
        for layer in shown
    ]
    number = st.column_config.NumberColumn(format="%.3g", width="small")
    st.dataframe(
        rows, hide_index=True, height=min(420, 37 + 35 * len(rows)),
        column_config={
            "Mean": number, "Std. dev.": number,
            DEAD: st.column_config.NumberColumn(format="%.1f %%", width="small"),
        },
    )  # fmt: skip
    if measured:
        what = DEAD_MEANS if dead else "No channel of these layers is dead."
        st.caption(
            f"Activations on up to {IMAGES} test images, over all channels and positions. {what}"
        )


def figures(activity: Activity, *, dead: bool) -> dict[str, float]:
    """Return the columns of a layer's activity; that of dead channels only if there are any."""
    columns = {"Mean": activity.mean, "Std. dev.": activity.spread}
    return columns | ({DEAD: 100 * activity.dead} if dead else {})


def draw_filters(network: Network) -> None:
    """Draw the filters of a convolution that the person chooses; the first one by default."""
    names = [
        layer.name
        for layer in layers(*network.where)
        if layer.kind.startswith("Conv") and filters(*network.where, layer.name) is not None
    ]
    if not names:
        st.caption("No layer has filters to draw.")
        return
    name = st.selectbox("Filters of", names, key="filters_of",
                        format_func=lambda name: name.removeprefix("body."))  # fmt: skip
    pictures = filters(*network.where, name)
    assert pictures is not None
    sheet = tiles([picture_of(filter_) for filter_ in pictures[:MOST_FILTERS]])
    st.image(png(sheet), width=min(640, sheet.width), output_format="PNG", alt=f"Filters of {name}")
    colors = "Gray is a weight of 0; each filter is scaled to its largest weight."
    sizes = "Brighter means larger weights, as their norm over all input channels."
    count = f"The first {MOST_FILTERS} of {len(pictures)}. " if len(pictures) > MOST_FILTERS else ""
    st.caption(count + (colors if pictures.shape[1] == 3 else sizes))


def picture_of(filter_: "np.typing.NDArray[np.float32]") -> Image.Image:
    """Return one filter [3 or 1, h, w] in [0, 1] as a small picture."""
    pixels = np.uint8(255 * np.broadcast_to(filter_, (3, *filter_.shape[1:])).transpose(1, 2, 0))
    return enlarge(Image.fromarray(pixels), 56)


def tiles(pictures: Sequence[Image.Image], across: int = 10, gap: int = 4) -> Image.Image:
    """Lay out pictures of equal size in rows, on white."""
    side = pictures[0].width + gap
    across = min(across, len(pictures))
    down = -(-len(pictures) // across)
    sheet = Image.new("RGB", (across * side - gap, down * side - gap), "white")
    for number, picture in enumerate(pictures):
        sheet.paste(picture, (number % across * side, number // across * side))
    return sheet
