"""What excites a class or a channel: real test images, and a picture made for it."""

import numpy as np
import streamlit as st
import torch
from PIL import Image

from app import theme
from app.cache.inside import layers, strongest_images
from app.cache.results import pass_seconds
from app.pages.inside.layers import IMAGES, source_of
from app.shared.networks import Network
from cifar_core.errors import CifarError
from cifar_core.explain.render import enlarge
from cifar_core.inside import Aim, excite
from cifar_core.inside.excitation import STEPS
from cifar_core.runs.results.explanation import png

CLASS = "A class"
SIDE = 320


def draw(network: Network) -> None:
    """Draw the choice, the real images, and the button of the made picture."""
    aim, title = choose_aim(network)
    st.markdown(f"**Test images that excite {theme.safe(title)} most**")
    scale = real(network, aim)
    st.markdown("**A picture made for it**")
    seconds = pass_seconds(*network.where) * 3 * STEPS * 2
    st.caption(
        f"Activation maximisation: {STEPS} steps uphill from noise, the picture shifted and "
        "resized at random so that only what survives that is drawn. It says what would "
        "excite most, not what the network meets; trust the real images more. "
        "[Paper](https://distill.pub/2017/feature-visualization)"
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        seed = st.number_input("Seed", 0, 9999, 0, key="excite_seed", width=120)
        asked = st.button(f"Make it, about {theme.duration(max(0.1, seconds))}", key="excite",
                          icon=":material/play_arrow:")  # fmt: skip
    kept = (*network.where, aim, seed)
    if asked:
        st.session_state["excited"] = (kept, climb(network, aim, seed, scale))
    if (found := st.session_state.get("excited")) and found[0] == kept:
        picture, strength = found[1]
        st.image(png(picture), f"Excites it with {strength:.3g}", width=SIDE, output_format="PNG",
                 alt=f"A picture made for {title}")  # fmt: skip


def choose_aim(network: Network) -> tuple[Aim, str]:
    """Let the person choose a class, or a channel of a layer."""
    able = {layer.name: layer for layer in layers(*network.where) if layer.main}
    left, right = st.columns(2)
    with left:
        name = st.selectbox("Of", [CLASS, *able], key="excite_of",
                            format_func=lambda name: name.removeprefix("body."))  # fmt: skip
    with right:
        if name == CLASS:
            classes = network.classifier.classes
            chosen = st.selectbox("Class", classes, key="excite_class")
            return Aim(channel=classes.index(chosen)), chosen
        channel = st.number_input("Channel", 0, able[name].channels - 1, 0,
                                  key=f"excite_channel {name}")  # fmt: skip
    return Aim(layer=name, channel=int(channel)), f"channel {channel} of {name[5:]}"


def real(network: Network, aim: Aim) -> float:
    """Draw the test images that excite most; return the spread of the strength over all."""
    try:
        images, values, spread = strongest_images(*network.where, *source_of(network), IMAGES, aim)
    except CifarError as error:
        st.caption(f"There are no test images to look at. {theme.safe(str(error))}")
        return 1.0
    with st.grid(6, min_column_width=90, gap="small"):
        for pixels, value in zip(images, values, strict=True):
            st.image(png(enlarge(Image.fromarray(pixels), 128)), f"{value:.3g}", width="stretch",
                     output_format="PNG", alt=f"Strength {value:.3g}")  # fmt: skip
    what = "the channel's mean over all places" if aim.layer else "the logit"
    st.caption(f"Of the first {IMAGES} test images, with the strength: {what}.")
    return spread


def climb(network: Network, aim: Aim, seed: int, scale: float) -> tuple[Image.Image, float]:
    """Make the picture with a bar that tells how far it is; leaving the page ends it."""
    bar, place = st.progress(0.0, text="Climbing"), st.empty()
    for attempt in excite(network.classifier, aim, seed=seed, scale=scale):
        if attempt.step % 8 == 0 or attempt.step == STEPS:
            bar.progress(attempt.step / STEPS, text=f"Step {attempt.step} of {STEPS}")
            picture = as_image(attempt.picture)
            place.image(png(picture), width=SIDE, output_format="PNG", alt="The picture so far")
    bar.empty()
    place.empty()
    return picture, attempt.strength


def as_image(picture: torch.Tensor) -> Image.Image:
    """Return a picture [3, 32, 32] in [0, 1], enlarged."""
    pixels = np.uint8((255 * picture.permute(1, 2, 0)).round().numpy())
    return enlarge(Image.fromarray(pixels), SIDE)
