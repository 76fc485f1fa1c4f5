"""The feature maps of one picture: the output of each channel of a layer."""

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from app.cache.inside import features, layers
from app.shared.networks import Network
from app.shared.pictures.picture import Picture, large
from cifar_core.data.pictures.images import tensor_of
from cifar_core.explain.render import enlarge, normalize, rgb
from cifar_core.palette import HEAT
from cifar_core.runs.results.explanation import png, sha256_of

SHOWN = 24  # maps at first
ORDERS = ("Strongest first", "As in the network")


def draw(network: Network, picture: Picture) -> None:
    """Draw a layer's maps, the strongest first, and one of them large."""
    main = [layer for layer in layers(*network.where) if layer.main and len(layer.shape) > 1]
    titles = {layer.name: f"{layer.name.removeprefix('body.')} ({layer.kind})" for layer in main}
    left, right = st.columns(2)
    with left:
        name = st.selectbox("Layer", list(titles), format_func=titles.__getitem__, key="maps_of")
    with right:
        order = st.segmented_control("Order", ORDERS, default=ORDERS[0], required=True,
                                     key="maps_order")  # fmt: skip
    maps = features(*network.where, name, sha256_of(picture.seen), tensor_of(picture.seen))
    strength = np.abs(maps).mean(axis=(1, 2))
    by_strength = order == ORDERS[0]
    channels = np.argsort(-strength, kind="stable") if by_strength else np.arange(len(maps))
    limit = float(np.abs(maps).max()) or 1.0
    enlarged(network, picture, maps, [int(channel) for channel in channels], limit)
    shown = shown_of(len(maps))
    with st.grid(8, min_column_width=72, gap="xsmall"):
        for channel in channels[:shown]:
            drawn = enlarge(picture_of(maps[channel], limit), 96)
            st.image(png(drawn), f"{channel}", width="stretch", output_format="PNG",
                     alt=f"Map of channel {channel}")  # fmt: skip
    st.caption("All maps of the layer share one scale; brighter is farther from 0. The number is "
               "the channel. Strength is the mean absolute value.")  # fmt: skip


def shown_of(channels: int) -> int:
    """Return how many maps to draw."""
    if channels <= SHOWN:
        return channels
    every = st.toggle(f"All {channels} channels", key="all_maps")
    return channels if every else SHOWN


def enlarged(
    network: Network, picture: Picture, maps: NDArray[np.float32], channels: list[int], limit: float
) -> None:
    """Draw one map large, beside what the network sees."""
    channel = st.selectbox(
        "Enlarged channel", channels, key=f"channel {network.run.id} {len(maps)}"
    )
    with st.grid(3, min_column_width=140):
        st.image(png(large(picture.seen)), "What the network sees", width="stretch",
                 output_format="PNG", alt="What the network sees")  # fmt: skip
        st.image(png(enlarge(picture_of(maps[channel], limit), 320)), f"Channel {channel}",
                 width="stretch", output_format="PNG", alt=f"Channel {channel}, large")  # fmt: skip
        values = maps[channel]
        st.markdown(f"{values.shape[1]} x {values.shape[0]} positions  \nfrom {values.min():.3g} "
                    f"to {values.max():.3g}  \nmean {values.mean():.3g}")  # fmt: skip


def picture_of(map_: NDArray[np.float32], limit: float) -> Image.Image:
    """Draw a map [h, w] in the uniform color scale, one pixel per position."""
    level = np.abs(normalize(map_, limit=limit))
    stops = np.linspace(0, 1, len(HEAT))
    channels = np.stack([rgb(code) for code in HEAT], axis=1)
    pixels = np.stack([np.interp(level, stops, channel) for channel in channels], axis=-1)
    return Image.fromarray(np.uint8(pixels.round()))
