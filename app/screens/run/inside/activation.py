"""What activates a class or a channel most: real test images, and a picture optimized for it."""

import numpy as np
import streamlit as st
import torch
from PIL import Image

from app import boundary, theme
from app.cache.inside import layers, strongest_images
from app.cache.results import pass_seconds
from app.screens.run.inside.layers import IMAGES
from app.shared.networks import Network
from cifar_core.explain.render import enlarge
from cifar_core.inside import Aim, excite
from cifar_core.inside.excitation import STEPS
from cifar_core.runs.results.explanation import png

CLASS = "A class"
SIDE = 320


def draw(network: Network) -> None:
    """Draw the choice, the real images, and the button that generates a picture."""
    aim, title = choose_aim(network)
    st.markdown(f"**Test images that activate {theme.safe(title)} most**")
    scale = real_images(network, aim)
    st.markdown("**A picture optimized for it**")
    seconds = pass_seconds(*network.where) * 3 * STEPS * 2
    st.caption(
        f"Activation maximization: {STEPS} steps of gradient ascent from noise. The picture is "
        "shifted and resized at random, so that only robust features remain. It shows what would "
        "activate the unit most, not what occurs in real data; trust the real images more. "
        "[Paper](https://distill.pub/2017/feature-visualization)"
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        seed = st.number_input("Seed", 0, 9999, 0, key="excite_seed", width=120)
        clicked = st.button(f"Generate it (about {theme.duration(max(0.1, seconds))})",
                            key="excite", icon=":material/play_arrow:")  # fmt: skip
    request = (*network.where, aim, seed)
    if clicked:
        st.session_state["excited"] = (request, optimized(network, aim, seed, scale))
    if (kept := st.session_state.get("excited")) and kept[0] == request:
        picture, activation = kept[1]
        st.image(png(picture), f"Activation {activation:.3g}", width=SIDE, output_format="PNG",
                 alt=f"A picture optimized for {title}")  # fmt: skip


def choose_aim(network: Network) -> tuple[Aim, str]:
    """Let the person choose a class, or a channel of a layer."""
    by_name = {layer.name: layer for layer in layers(*network.where) if layer.main}
    left, right = st.columns(2)
    with left:
        name = st.selectbox("What to activate", [CLASS, *by_name], key="excite_of",
                            format_func=lambda name: name.removeprefix("body."))  # fmt: skip
    with right:
        if name == CLASS:
            classes = network.classifier.classes
            target = st.selectbox("Class", classes, key="excite_class")
            return Aim(channel=classes.index(target)), target
        channel = st.number_input("Channel", 0, by_name[name].channels - 1, 0,
                                  key=f"excite_channel {name}")  # fmt: skip
    return Aim(
        layer=name, channel=int(channel)
    ), f"channel {channel} of {name.removeprefix('body.')}"


def real_images(network: Network, aim: Aim) -> float:
    """Draw the test images that activate most; return the spread of the activation over all."""
    try:
        images, values, spread = strongest_images(*network.where, IMAGES, aim)
    except boundary.REFUSED as error:
        st.caption(f"The test images cannot be shown. {boundary.words(error)}")
        return 1.0
    with st.grid(6, min_column_width=90, gap="small"):
        for pixels, value in zip(images, values, strict=True):
            st.image(png(enlarge(Image.fromarray(pixels), 128)), f"{value:.3g}", width="stretch",
                     output_format="PNG", alt=f"Activation {value:.3g}")  # fmt: skip
    what = "the channel's mean over all positions" if aim.layer else "the logit of the class"
    st.caption(f"Out of up to {IMAGES} test images. The number is the activation: {what}.")
    return spread


def optimized(network: Network, aim: Aim, seed: int, scale: float) -> tuple[Image.Image, float]:
    """Generate the picture with a progress bar; leaving the page stops it."""
    bar, preview = st.progress(0.0, text="Optimizing"), st.empty()
    for attempt in excite(network.classifier, aim, seed=seed, scale=scale):
        if attempt.step % 8 == 0 or attempt.step == STEPS:
            bar.progress(attempt.step / STEPS, text=f"Step {attempt.step} of {STEPS}")
            picture = as_image(attempt.picture)
            preview.image(png(picture), width=SIDE, output_format="PNG", alt="The picture so far")
    bar.empty()
    preview.empty()
    return picture, attempt.strength


def as_image(picture: torch.Tensor) -> Image.Image:
    """Return a picture [3, side, side] in [0, 1], enlarged."""
    pixels = np.uint8((255 * picture.permute(1, 2, 0)).round().numpy())
    return enlarge(Image.fromarray(pixels), SIDE)
