"""Drawn pictures to try a network on, for those who have none of their own at hand."""

import numpy as np
import streamlit as st
from PIL import Image

from app import boundary
from app.cache.examples import NAME, samples
from app.shared.networks import Network
from app.shared.pictures.gallery import Tile, gallery
from app.shared.pictures.picks import pick, picked
from app.shared.pictures.picture import Picture
from cifar_core.data.sources.cifar10 import CLASSES
from cifar_core.examples import Sample

SIDE = 48  # pixels of a thumbnail


def suit(network: Network) -> bool:
    """Whether the pictures show what a network knows: the ten classes of CIFAR-10."""
    return set(CLASSES) <= set(network.classifier.classes)


def offer() -> None:
    """Draw all of them, small; a click chooses one."""
    st.caption("or take a drawing, none of which it was trained on")
    offered, chosen = samples(), picked()
    pixels = np.stack([np.asarray(opened(one).resize((SIDE, SIDE))) for one in offered])
    tiles = [
        Tile(
            key=(name := f"{NAME}-{number}"), truth="", prediction="", right=True,
            title=f"Drawing {number}: {one.title}", chosen=name in chosen,
        )
        for number, one in enumerate(offered, 1)
    ]  # fmt: skip
    gallery(pixels, tiles, key="samples", width=SIDE, on_click=boundary.callback(pick))


def sample(number: str) -> Picture | None:
    """Return a picture by its number from 1, if there is one of that number."""
    offered = samples()
    by_number = dict(zip(map(str, range(1, len(offered) + 1)), offered, strict=True))
    if (one := by_number.get(number)) is None:
        return None
    return Picture(name=one.title.capitalize(), image=opened(one), ref=f"{NAME}-{number}")


def opened(one: Sample) -> Image.Image:
    """Return a picture."""
    with Image.open(one.path) as image:
        return image.convert("RGB")
