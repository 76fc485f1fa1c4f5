"""Drawn pictures to try a network on, for those who have none of their own at hand."""

import numpy as np
import streamlit as st
from PIL import Image

from app import theme
from app.cache.examples import samples
from app.shared.networks import Network
from app.shared.pictures.gallery import Tile, gallery
from app.shared.pictures.picture import Picture
from cifar_core.data.sources.cifar10 import CLASSES
from cifar_core.examples import Sample

SIDE = 56  # pixels of a thumbnail
NAME = "sample"  # of a picture in an address, followed by its number from 1


def suit(network: Network) -> bool:
    """Whether the pictures show what a network knows: the ten classes of CIFAR-10."""
    return set(CLASSES) <= set(network.classifier.classes)


def is_sample(name: str) -> bool:
    """Whether an image's name in an address is that of a drawing, such as sample-2."""
    return name.startswith(f"{NAME}-")


def choose_sample(named: str) -> list[Picture]:
    """Draw all of them, small; return the one that the address names, which a click changes."""
    st.caption("Or take one of these drawings, none of which it was trained on.")
    offered = samples()
    pixels = np.stack([np.asarray(opened(one).resize((SIDE, SIDE))) for one in offered])
    tiles = [
        Tile(key=f"{NAME}-{number}", truth="", prediction="", right=True,
             title=f"Drawing {number}: {one.title}.")
        for number, one in enumerate(offered, 1)
    ]  # fmt: skip
    clicked = gallery(pixels, tiles, key="samples", zoom=1, chosen=named)
    if clicked:
        st.query_params["image"] = clicked
        st.rerun()
    if not is_sample(named):
        return []
    found = sample(named.partition("-")[2])
    if not found:
        st.caption(f"There is no image called {theme.safe(named)}.")
    return found


def sample(number: str) -> list[Picture]:
    """Return a picture by its number from 1, if there is one of that number."""
    offered = samples()
    if not number.isdecimal() or not 1 <= int(number) <= len(offered):
        return []
    one = offered[int(number) - 1]
    return [Picture(name=one.title.capitalize(), image=opened(one))]


def opened(one: Sample) -> Image.Image:
    """Return a picture."""
    with Image.open(one.path) as image:
        return image.convert("RGB")
