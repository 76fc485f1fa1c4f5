"""Picking test images: by class, by whether the prediction is correct, and by confidence."""

from functools import partial
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from app import boundary, theme
from app.cache.results import dataset, pass_seconds, test_predictions
from app.session import Key, remember, remembered
from app.shared.networks import Network
from app.shared.pictures.picture import MOST, Picture
from cifar_core.data.dataset import Dataset
from cifar_core.explain.render import enlarge
from cifar_core.runs.results.predictions import PARTS

OFFERED = 8  # images to choose from at once
PATIENCE = 20.0  # seconds that classifying test images may take
ANY = "Any class"
RANDOM = "Random"
ORDERS = {RANDOM: 0, "Most confident first": -1, "Least confident first": 1}  # sort by sign


def picked(network: Network) -> list[Picture]:
    """Draw some test images; one or several can be chosen."""
    run = network.run
    source, root = run.source, str(run.store_root)
    try:
        images = dataset(source, root)
    except boundary.REFUSED as error:
        boundary.show(error)
        return []
    indices, page = wanted(network, images, source, root), remembered(Key.PICKER_PAGE, 0)
    if not len(indices):
        st.caption("No test image matches.")
        return []
    start = page * OFFERED % len(indices)
    offered = [int(index) for index in indices[start : start + OFFERED]]
    chosen = [index for index in remembered(Key.PICKED, ()) if index < len(images.test)]
    chosen = chosen or offered[:1]
    offer(images, offered, chosen)
    with st.container(horizontal=True):
        st.button("More", icon=":material/arrow_forward:", type="tertiary", key="others",
                  on_click=remember, args=(Key.PICKER_PAGE, page + 1))  # fmt: skip
        if len(chosen) > 1:
            st.button("Only the newest", icon=":material/filter_1:", type="tertiary", key="newest",
                      on_click=remember, args=(Key.PICKED, tuple(chosen[:1])))  # fmt: skip
    return [as_picture(images, index) for index in chosen]


def linked(network: Network, name: str) -> list[Picture]:
    """Return the image that a link names by its split and index, such as test-12."""
    part, _, digits = name.partition("-")
    run = network.run
    images = dataset(run.source, str(run.store_root))
    source = images.test if part == "test" else images.train
    if part not in PARTS or not digits.isdecimal() or int(digits) >= len(source):
        st.caption(f"There is no image called {theme.safe(name)}.")
        return []
    index = int(digits)
    if part == "test":
        return [as_picture(images, index)]
    pixels, truth = np.asarray(source.pixels[index]), images.classes[source.labels[index]]
    mask = None if images.train_masks is None else images.train_masks[index]
    title = f"{'Validation' if part == 'val' else 'Training'} image {index}"
    return [Picture(name=title, image=Image.fromarray(pixels), truth=truth, mask=mask)]


def wanted(network: Network, images: Dataset, source: str, root: str) -> NDArray[np.int64]:
    """Draw the filters; return the indices of the test images that pass, in the chosen order."""
    select: Any = partial(
        st.selectbox, persist_state="session", on_change=remember, args=(Key.PICKER_PAGE, 0)
    )
    name = select("Class", [ANY, *images.classes], key="class")
    with st.grid(2, min_column_width=130, gap="small"):
        which = select("Prediction", ["Any", "Correct", "Wrong"], key="prediction")
        order = select("Order", list(ORDERS), key="order")
    labels = images.test.labels
    passes = np.ones(len(labels), bool) if name == ANY else labels == images.classes.index(name)
    if which == "Any" and order == RANDOM:
        return shuffled(np.flatnonzero(passes))
    count = affordable(network, len(labels))
    if count < len(labels):
        st.caption(f"Only the first {theme.count(count)} test images are searched.")
    predictions, confidence = test_predictions(*network.where, source, root, count)
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


def offer(images: Dataset, offered: list[int], chosen: list[int]) -> None:
    """Draw images, each with a button that adds or removes it."""
    with st.grid(4, min_column_width=56, gap="xsmall"):
        for index in offered:
            with st.container(gap=None, horizontal_alignment="center"):
                st.image(enlarge(test_image(images, index), 96), width="stretch",
                         output_format="PNG", alt=f"Test image {index}")  # fmt: skip
                st.button(
                    f"{index}",
                    type="secondary" if index in chosen else "tertiary",
                    key=f"pick {index}", on_click=boundary.callback(toggle), args=(index,),
                    width="stretch",
                )  # fmt: skip


def toggle(index: int) -> None:
    """Add a test image in front of the chosen ones, or remove it."""
    chosen: tuple[int, ...] = remembered(Key.PICKED, ())
    others = tuple(other for other in chosen if other != index)
    remember(Key.PICKED, others if index in chosen else (index, *others)[:MOST])


def as_picture(images: Dataset, index: int) -> Picture:
    """Return one of the test images with its true class."""
    truth = images.classes[images.test.labels[index]]
    mask = None if images.test_masks is None else images.test_masks[index]
    return Picture(
        name=f"Test image {index}", image=test_image(images, index), truth=truth, mask=mask
    )


def test_image(images: Dataset, index: int) -> Image.Image:
    """Return one of the test images as a picture."""
    return Image.fromarray(np.asarray(images.test.pixels[index]))
