"""The shipped examples: put into an empty store when its first page is opened; the pictures."""

from pathlib import Path

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from app.session import store
from cifar_core import examples
from cifar_core.examples import Sample
from cifar_core.runs import Store

NAME = "sample"  # of a picture in an address, followed by its number from 1


def place_examples() -> None:
    """Put the examples into the store if it has never had a run; tried once in each server."""
    placed(str(store().root))


@st.cache_resource(show_spinner=False)
def placed(root: str) -> None:
    """Put the examples into a store, for all sessions."""
    examples.put_in_place(Store(Path(root)))


@st.cache_resource(show_spinner=False)
def samples() -> list[Sample]:
    """Return the shipped pictures."""
    return examples.pictures()


@st.cache_resource(show_spinner=False)
def drawings(side: int) -> NDArray[np.uint8]:
    """Return the shipped pictures, small: [N, side, side, 3]."""
    opened = [Image.open(one.path).convert("RGB") for one in samples()]
    return np.stack([np.asarray(image.resize((side, side))) for image in opened])
