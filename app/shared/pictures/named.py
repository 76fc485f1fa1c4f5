"""Pictures that an address can name: images of the network's data set, and drawings."""

from dataclasses import replace

import numpy as np
import streamlit as st
from PIL import Image

from app import boundary, theme
from app.cache.examples import NAME
from app.cache.results import images_of
from app.shared.networks import Network
from app.shared.pictures import samples
from app.shared.pictures.picture import Picture
from cifar_core.data.dataset import Dataset
from cifar_core.runs.results.predictions import PARTS

MOST_DIGITS = 9  # of the index of an image


def called(network: Network, name: str) -> Picture | None:
    """Return the picture of a name, or say why it cannot be shown."""
    part, _, digits = name.partition("-")
    if part == NAME:
        found = samples.sample(digits)
    else:
        try:
            images = images_of(network.run)
        except boundary.REFUSED as error:
            boundary.show(error)
            return None
        found = image_of(images, part, int(digits)) if is_index(digits) else None
    if found is None:
        st.caption(f"There is no image called {theme.safe(theme.short(name, 40))}.")
        return None
    return shown_to(network, found)


def shown_to(network: Network, picture: Picture) -> Picture:
    """Return a picture as it becomes what a network sees; images of sets are square already."""
    sizing = network.sizing
    return replace(
        picture, sizing=replace(sizing, stored=sizing.side) if picture.source else sizing
    )


def for_network(network: Network, picture: Picture) -> Picture:
    """Return a picture for another network: an image of its own set as decoded at its size."""
    if picture.source and picture.source == network.run.source:
        return called(network, picture.ref) or picture
    return shown_to(network, picture)


def is_index(digits: str) -> bool:
    """Whether a text is a number, and not one too long for any data set."""
    return digits.isdecimal() and len(digits) <= MOST_DIGITS


def image_of(images: Dataset, part: str, index: int) -> Picture | None:
    """Return an image by its split and its index, with its true class."""
    source = images.test if part == "test" else images.train
    if part not in PARTS or index >= len(source):
        return None
    masks = images.test_masks if part == "test" else images.train_masks
    title = {"test": "Test", "val": "Validation"}.get(part, "Training")
    return Picture(
        name=f"{title} image {index}",
        image=Image.fromarray(np.asarray(source.pixels[index])),
        ref=f"{part}-{index}",
        source=images.source,
        truth=images.classes[source.labels[index]],
        mask=None if masks is None else masks[index],
    )
