"""Picking test images: by class, by whether the run is right, and by how sure it is."""

from functools import partial
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from app import theme
from app.cache.results import dataset, pass_seconds, test_answers
from app.session import Key, remember, remembered
from app.shared.networks import Network
from app.shared.picture import MOST, Picture
from cifar_core.data.dataset import Dataset
from cifar_core.errors import CifarError
from cifar_core.explain.render import enlarge
from cifar_core.runs.results.predictions import PARTS

OFFERED = 8  # images shown to choose from
PATIENCE = 20.0  # seconds that classifying the test images may take
EVERY = "Every class"
ORDERS = {"Mixed": 0, "Most sure first": -1, "Least sure first": 1}  # sign of the confidence


def picked(network: Network) -> list[Picture]:
    """Draw some test images, of which several can be chosen."""
    run = network.run
    source, root = run.source, str(run.store_root)
    try:
        images = dataset(source, root)
    except CifarError as error:
        st.error(theme.safe(str(error)), icon=":material/error:")
        return []
    places, page = wanted(network, images, source, root), remembered(Key.OFFER, 0)
    if not len(places):
        st.caption("There is no such test image.")
        return []
    start = page * OFFERED % len(places)
    offered = [int(place) for place in places[start : start + OFFERED]]
    chosen = [place for place in remembered(Key.PICKED, ()) if place < len(images.test)]
    chosen = chosen or offered[:1]
    offer(images, offered, chosen)
    with st.container(horizontal=True):
        st.button("Others", icon=":material/arrow_forward:", type="tertiary", key="others",
                  on_click=remember, args=(Key.OFFER, page + 1))  # fmt: skip
        if len(chosen) > 1:
            st.button("Only the last", icon=":material/filter_1:", type="tertiary", key="last",
                      on_click=remember, args=(Key.PICKED, tuple(chosen[:1])))  # fmt: skip
    return [as_picture(images, place) for place in chosen]


def linked(network: Network, name: str) -> list[Picture]:
    """Return the image that a link names by its part and place, such as test-12."""
    part, _, place = name.partition("-")
    run = network.run
    images = dataset(run.source, str(run.store_root))
    among = images.test if part == "test" else images.train
    if part not in PARTS or not place.isdecimal() or int(place) >= len(among):
        st.caption(f"There is no image called {theme.safe(name)}.")
        return []
    if part == "test":
        return [as_picture(images, int(place))]
    pixels, truth = np.asarray(among.pixels[int(place)]), images.classes[among.labels[int(place)]]
    mask = None if images.train_masks is None else images.train_masks[int(place)]
    words = f"{'Validation' if part == 'val' else 'Training'} image {place}"
    return [Picture(name=words, image=Image.fromarray(pixels), truth=truth, mask=mask)]


def wanted(network: Network, images: Dataset, source: str, root: str) -> NDArray[np.int64]:
    """Draw the filters; return the places of the test images that pass, in the order asked for."""
    select: Any = partial(
        st.selectbox, persist_state="session", on_change=remember, args=(Key.OFFER, 0)
    )
    name = select("Class", [EVERY, *images.classes], key="class")
    with st.grid(2, min_column_width=130, gap="small"):
        answer = select("Answer", ["Any", "Right", "Wrong"], key="answer")
        order = select("Order", list(ORDERS), key="order")
    labels = images.test.labels
    passes = np.ones(len(labels), bool) if name == EVERY else labels == images.classes.index(name)
    if answer == "Any" and order == "Mixed":
        return mixed(np.flatnonzero(passes))
    count = affordable(network, len(labels))
    if count < len(labels):
        st.caption(f"Among the first {theme.count(count)} test images.")
    answers, sureness = test_answers(*network.where, source, root, count)
    passes = passes[:count]
    if answer != "Any":
        passes = passes & ((answers == labels[:count]) == (answer == "Right"))
    places = np.flatnonzero(passes)
    if order == "Mixed":
        return mixed(places)
    return places[np.argsort(ORDERS[order] * sureness[places], kind="stable")]


def mixed(places: NDArray[np.int64]) -> NDArray[np.int64]:
    """Shuffle places, the same way every time."""
    return np.random.default_rng(0).permutation(places)


def affordable(network: Network, count: int) -> int:
    """Return how many of the test images can be classified in the time a person waits."""
    return min(count, max(500, int(PATIENCE / pass_seconds(*network.where))))


def offer(images: Dataset, offered: list[int], chosen: list[int]) -> None:
    """Draw images with a button each that adds or removes it."""
    with st.grid(4, min_column_width=56, gap="xsmall"):
        for place in offered:
            with st.container(gap=None, horizontal_alignment="center"):
                st.image(enlarge(test_image(images, place), 96), width="stretch",
                         output_format="PNG", alt=f"Test image {place}")  # fmt: skip
                st.button(
                    f"{place}",
                    type="secondary" if place in chosen else "tertiary",
                    key=f"pick {place}", on_click=toggle, args=(place,), width="stretch",
                )  # fmt: skip


def toggle(place: int) -> None:
    """Add a test image to the chosen ones, in front, or remove it."""
    chosen: tuple[int, ...] = remembered(Key.PICKED, ())
    left = tuple(other for other in chosen if other != place)
    remember(Key.PICKED, left if place in chosen else (place, *left)[:MOST])


def as_picture(images: Dataset, place: int) -> Picture:
    """Return one of the test images with the class that it shows."""
    truth = images.classes[images.test.labels[place]]
    mask = None if images.test_masks is None else images.test_masks[place]
    return Picture(
        name=f"Test image {place}", image=test_image(images, place), truth=truth, mask=mask
    )


def test_image(images: Dataset, place: int) -> Image.Image:
    """Return one of the test images as a picture."""
    return Image.fromarray(np.asarray(images.test.pixels[place]))
