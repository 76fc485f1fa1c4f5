"""The page of one data set: samples, classes with their counts, and where the images come from."""

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import boundary, theme
from app.cache.opening import opened
from app.navigation import go
from app.screens.data import charts
from app.screens.data.download import download
from app.session import Key, remember, remembered, store
from app.shared.charts import picture_rows
from app.shared.figure import show_figure
from app.shared.reading import watch_reading
from cifar_core.data import DataStatus
from cifar_core.data.dataset import Dataset, counts
from cifar_core.people import OPERATOR

ROWS, COLUMNS = 6, 10  # of the samples
MOST_NAMES = 20  # classes named in a sentence
MOST_BARS, HEIGHT = 12, 470  # classes drawn at full length; pixels of the chart of more
VALIDATION = (
    "Each run keeps part of the training images of every class back, to choose its best epoch."
)


def one_set(one: DataStatus) -> None:
    """Draw the page; what needs the pixels comes last, as they may have to be decoded."""
    heading(one)
    if not one.ready:
        if one.classes:
            about(one)
        return
    left, right = st.columns([3, 2], gap="large")
    with left:
        samples = st.container()
    with right:
        classes = st.container()
        about(one)
    looked_into(one, samples, classes)


def heading(one: DataStatus) -> None:
    """Draw the title, and what can be done with the images."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header(theme.safe(one.title), anchor=False, width="content")
        if one.default:
            st.badge("Used by default", color="blue")
        st.space("stretch")
        if one.ready and store().by.may(OPERATOR) and st.button(
            "Train on these images", type="primary", icon=":material/play_circle:", key="train"
        ):  # fmt: skip
            go("train", data=one.source)
    if one.train_images:
        train, test = theme.count(one.train_images), theme.count(one.test_images)
        st.caption(f"{train} images to train on and {test} to test with, "
                   f"of {theme.count(len(one.classes))} classes.")  # fmt: skip
    if one.kind == "cifar10" and not one.ready:
        download()
    elif one.action:
        st.markdown(theme.safe(one.action))


def about(one: DataStatus) -> None:
    """Say where the images come from, where they are, and how they are divided."""
    st.subheader("About these images", anchor=False)
    lines = [one.note, one.origin, one.split, VALIDATION]
    if not one.ready and one.classes:
        lines.insert(0, f"Classes: {', '.join(one.classes[:MOST_NAMES])}.")
    if one.kind == "folder" and one.where:
        lines.append(f"The images are read from {one.where}.")
    st.markdown("\n\n".join(theme.safe(words) for words in lines if words))


def looked_into(one: DataStatus, samples: DeltaGenerator, classes: DeltaGenerator) -> None:
    """Open the images and draw what they show, once they are decoded."""
    with samples:
        st.subheader("Samples", anchor=False)
        try:
            images = opened(one.source, str(store().root))
        except boundary.REFUSED as error:
            boundary.show(error)
            return
        if images is None:
            watch_reading(one.source)
            st.skeleton(height=320)
            return
        boundary.fragment(browser, run_every=None)(one.source, images)
    with classes:
        class_counts(images)


def browser(source: str, images: Dataset) -> None:
    """Draw some of the images, of a class and a split."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        with st.container(horizontal=True, width="content"):
            name = st.selectbox(
                "Class", ["All classes", *images.classes], key=f"class of {source}", width=180
            )
            part = st.segmented_control(
                "Split", ["Training", "Test"], default="Training", required=True, key="part"
            )
        st.space("stretch")
        seed = remembered(Key.BROWSE_SEED, 0)
        st.button(
            "Show others", icon=":material/shuffle:", key="others", on_click=remember,
            args=(Key.BROWSE_SEED, seed + 1),
        )  # fmt: skip
    sheet(images, name, part == "Test", seed)


def sheet(images: Dataset, name: str, test: bool, seed: int) -> None:
    """Draw some of the images, chosen by a seed."""
    part = images.test if test else images.train
    indices = np.arange(len(part))
    if name in images.classes:
        indices = np.flatnonzero(part.labels == images.classes.index(name))
    chosen = np.random.default_rng(seed).permutation(indices)[: ROWS * COLUMNS]
    pixels = np.asarray(part.pixels[np.sort(chosen)])
    pixels = pixels[np.random.default_rng(seed).permutation(len(pixels))]
    rows = [pixels[start : start + COLUMNS] for start in range(0, len(pixels), COLUMNS)]
    if rows:
        st.image(picture_rows(rows, zoom=3), width="stretch", output_format="PNG",
                 alt=f"Images of {name}")  # fmt: skip
    how = ", chosen at random" if len(chosen) < len(indices) else ""
    st.caption(f"{len(chosen)} of {theme.plural(len(indices), 'image')}{how}.")


def class_counts(images: Dataset) -> None:
    """Draw how many images each class has; many classes can be scrolled through."""
    st.subheader("Images per class", anchor=False)
    train, test = (counts(p.labels, images.classes) for p in (images.train, images.test))
    many = len(images.classes) > MOST_BARS
    with st.container(height=HEIGHT if many else "content", border=many):
        show_figure(
            charts.count_figure(images.classes, train, test),
            key="counts",
            alt="Number of images of each class",
        )
