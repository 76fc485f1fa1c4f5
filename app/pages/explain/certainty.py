"""How much an answer's certainty means: its calibration, and how near the training images it is."""

import numpy as np
import streamlit as st
from PIL import Image

from app import theme
from app.cache.results import dataset
from app.pages.explain.answers import Answer
from cifar_core.errors import CifarError
from cifar_core.explain.render import enlarge
from cifar_core.runs.results.neighbors import Likeness, Neighbour

SIDE = 96  # pixels of a drawn training image
CALIBRATED = (
    "The network's logits are divided by the temperature T, which makes it as sure as it is right "
    "on average over the validation images (Guo et al. 2017). The order of the classes stays."
)
RAW = "As the network gives them. Networks are often surer than they are right."
UNLIKE = (
    "In the features of the network's last layer. What it answers about such a picture, however "
    "sure it is, means little."
)


def certainty(given: Answer) -> None:
    """Draw what the probabilities rest on, a badge if the picture is unlike, and the nearest."""
    with st.container(gap="xsmall"):
        calibrated(given)
        if given.likeness:
            likeness(given, given.likeness)


def calibrated(given: Answer) -> None:
    """Say whether the probabilities are calibrated, and what they were."""
    known = given.calibration
    if not known:
        st.caption("Raw probabilities, not calibrated.", help=RAW)
        return
    raw = dict(given.raw)[given.ranked[0][0]]
    st.caption(
        f"Calibrated on {theme.plural(known.images, 'validation image')}, "
        f"T\u00a0=\u00a0{known.temperature:.2f}; raw {theme.percent(raw)}.", help=CALIBRATED,
    )  # fmt: skip


def likeness(given: Answer, found: Likeness) -> None:
    """Draw a badge if the picture is unlike the training images; the nearest are a click away."""
    if found.is_unlike:
        st.badge("Unlike the training images", icon=":material/explore_off:", color="orange",
                 help=UNLIKE)  # fmt: skip
        st.caption(found.sentence)
    opened = st.popover(
        "Nearest training images", icon=":material/image_search:", type="tertiary",
        key=f"nearest {given.network.run.number} {given.picture.key}", on_change="rerun",
    )  # fmt: skip
    if opened.open:
        with opened:
            nearest(given, found)


def nearest(given: Answer, found: Likeness) -> None:
    """Draw the nearest training images in a row, each with its class and similarity."""
    run = given.network.run
    if not found.is_unlike:
        st.caption(found.sentence)
    try:
        images = dataset(run.source, str(run.store_root)).train
    except CifarError as error:
        st.error(theme.safe(str(error)), icon=":material/error:")
        return
    with st.grid(len(found.nearest), min_column_width=56, gap="xsmall"):
        for each in found.nearest:
            picture = Image.fromarray(np.asarray(images.pixels[each.place]))
            words = caption(each)
            st.image(enlarge(picture, SIDE), words, width="stretch", output_format="PNG",
                     alt=f"Training image {each.place}: {words}")  # fmt: skip
    st.caption("With their cosine similarity in the features of the network's last layer.")


def caption(each: Neighbour) -> str:
    """Write a training image's class and how similar it is."""
    return f"{each.name} {each.similarity:.2f}"
