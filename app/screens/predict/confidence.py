"""What a prediction's confidence is worth: its calibration, and the nearest training images."""

import numpy as np
import streamlit as st
from PIL import Image

from app import boundary, theme
from app.cache.results import images_of
from app.screens.predict.predictions import Prediction
from cifar_core.explain.render import enlarge
from cifar_core.runs.results.neighbors import Likeness, NearImage

SIDE = 96  # pixels of a drawn training image
CALIBRATED = (
    "The logits are divided by a temperature T, fitted on the validation images so that confidence "
    "matches accuracy on average (Guo et al. 2017). The order of the classes does not change."
)
RAW = "The softmax of the network's logits."
UNLIKE = (
    "Measured in the features of the network's last layer. A prediction for such a picture means "
    "little, however confident it is."
)


def confidence(prediction: Prediction) -> None:
    """Draw whether the probabilities are calibrated, and how near the training images are."""
    with st.container(gap="xsmall"):
        calibrated(prediction)
        if prediction.likeness:
            likeness(prediction, prediction.likeness)


def calibrated(prediction: Prediction) -> None:
    """Say what the confidence is worth; on hover, what the probabilities were before."""
    calibration = prediction.calibration
    if not calibration or not calibration.is_clear:
        why = calibration.why_not if calibration else ""
        st.caption("Uncalibrated probabilities. Networks are often overconfident.",
                   help=f"{RAW} {why}".strip())  # fmt: skip
        return
    name, share = prediction.ranked[0]
    st.caption(worth(share, prediction.likeness), help=(
        f"Calibrated on {theme.plural(calibration.images, 'validation image')}, "
        f"T\u00a0=\u00a0{calibration.temperature:.2f}; "
        f"uncalibrated {theme.confidence(dict(prediction.raw)[name])}. {CALIBRATED}"
    ))  # fmt: skip


def worth(share: float, likeness: Likeness | None) -> str:
    """Say what a calibrated confidence is worth."""
    if likeness and likeness.is_unlike:
        return "Calibrated, but not for pictures like this one."
    of_100 = round(100 * share)
    right = "nearly all" if of_100 > 99 else f"about {of_100}"
    return f"On images like its validation images, {right} of 100 such predictions are correct."


def likeness(prediction: Prediction, measured: Likeness) -> None:
    """Draw a badge if the picture is unlike the training images; a click shows the nearest."""
    if measured.is_unlike:
        st.badge("Unlike the training images", icon=":material/explore_off:", color="orange",
                 help=UNLIKE)  # fmt: skip
        st.caption(measured.sentence)
    opened = st.popover(
        "Nearest training images", icon=":material/image_search:", type="tertiary",
        key=f"nearest {prediction.network.run.number} {prediction.picture.key}", on_change="rerun",
    )  # fmt: skip
    if opened.open:
        with opened:
            nearest(prediction, measured)


def nearest(prediction: Prediction, measured: Likeness) -> None:
    """Draw the nearest training images in a row, each with its class and similarity."""
    run = prediction.network.run
    if not measured.is_unlike:
        st.caption(measured.sentence)
    try:
        images = images_of(run).train
    except boundary.REFUSED as error:
        boundary.show(error)
        return
    with st.grid(len(measured.nearest), min_column_width=56, gap="xsmall"):
        for neighbor in measured.nearest:
            picture = Image.fromarray(np.asarray(images.pixels[neighbor.index]))
            words = caption(neighbor)
            st.image(enlarge(picture, SIDE), words, width="stretch", output_format="PNG",
                     alt=f"Training image {neighbor.index}: {words}")  # fmt: skip
    st.caption("The number is the cosine similarity in the features of the network's last layer.")


def caption(neighbor: NearImage) -> str:
    """Return a training image's class and its similarity."""
    return f"{neighbor.name} {neighbor.similarity:.2f}"
