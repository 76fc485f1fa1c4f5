"""Small test images to pick: by class, by whether the prediction is correct, by confidence."""

from functools import partial
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app import boundary, theme
from app.cache.results import images_of, pass_seconds, test_predictions
from app.session import Key, remember, remembered
from app.shared.networks import Network
from app.shared.pictures.gallery import Tile, gallery
from app.shared.pictures.picks import SEVERAL, forget, pick, picked
from cifar_core.data.dataset import Dataset

OFFERED = 18  # images to choose from at once
WIDTH = 48  # pixels of each on the page
PATIENCE = 20.0  # seconds that classifying test images may take
ANY = "Any class"
RANDOM = "Random"
ORDERS = {RANDOM: 0, "Most confident first": -1, "Least confident first": 1}  # sort by sign


def offer(network: Network) -> None:
    """Draw some test images, small; a click chooses one, or one more."""
    try:
        images = images_of(network.run)
    except boundary.REFUSED as error:
        boundary.show(error)
        return
    st.caption("or take a test image, which it has never been trained on")
    small, row = st.container(), st.container(horizontal=True, vertical_alignment="center")
    with row:
        with st.popover("Which ones", icon=":material/filter_list:", type="tertiary"):
            indices = wanted(network, images)
        page = remembered(Key.PICKER_PAGE, 0)
        if len(indices) > OFFERED:
            st.button("More", icon=":material/arrow_forward:", type="tertiary", key="others",
                      on_click=remember, args=(Key.PICKER_PAGE, page + 1))  # fmt: skip
        st.toggle("Several", key=SEVERAL, persist_state="session",
                  help="A click adds a picture to those chosen before, or removes it.")  # fmt: skip
        if len(picked()) > 1:
            st.button("None", icon=":material/close:", type="tertiary", key="none",
                      on_click=boundary.callback(forget))  # fmt: skip
    with small:
        if not len(indices):
            st.caption("No test image matches.")
            return
        start = page * OFFERED % len(indices)
        draw(images, indices[start : start + OFFERED])


def draw(images: Dataset, indices: NDArray[np.int64]) -> None:
    """Draw images, each as a button."""
    chosen = picked()
    tiles = [
        Tile(
            key=(name := f"test-{index}"), truth="", prediction="", right=True,
            title=f"Test image {index}", chosen=name in chosen,
        )
        for index in indices
    ]  # fmt: skip
    pixels = np.asarray(images.test.pixels[indices])
    gallery(pixels, tiles, key="test images", width=WIDTH, on_click=boundary.callback(pick))


def wanted(network: Network, images: Dataset) -> NDArray[np.int64]:
    """Draw the filters; return the indices of the test images that pass, in the chosen order."""
    select: Any = partial(
        st.selectbox, persist_state="session", on_change=remember, args=(Key.PICKER_PAGE, 0)
    )
    name = select("Class", [ANY, *images.classes], key="class")
    which = select("Prediction", ["Any", "Correct", "Wrong"], key="prediction")
    order = select("Order", list(ORDERS), key="order")
    labels = images.test.labels
    passes = np.ones(len(labels), bool) if name == ANY else labels == images.classes.index(name)
    if which == "Any" and order == RANDOM:
        return shuffled(np.flatnonzero(passes))
    count = affordable(network, len(labels))
    if count < len(labels):
        st.caption(f"Only the first {theme.count(count)} test images are searched.")
    predictions, confidence = test_predictions(*network.where, count)
    passes = passes[:count]
    if which != "Any":
        passes = passes & ((predictions == labels[:count]) == (which == "Correct"))
    indices = np.flatnonzero(passes)
    if order == RANDOM:
        return shuffled(indices)
    return indices[np.argsort(ORDERS[order] * confidence[indices], kind="stable")]


def shuffled(indices: NDArray[np.int64]) -> NDArray[np.int64]:
    """Shuffle indices, the same way every time."""
    return np.random.default_rng(0).permutation(indices)


def affordable(network: Network, count: int) -> int:
    """Return how many test images can be classified within PATIENCE, but at least 500."""
    return min(count, max(500, int(PATIENCE / pass_seconds(*network.where))))
