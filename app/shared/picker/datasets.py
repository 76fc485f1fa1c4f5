"""Choosing a data set: every source of images as a card, with a few of its pictures."""

import numpy as np
import streamlit as st
from PIL import Image

from app import theme
from app.cache.opening import reading
from app.cache.results import dataset
from app.session import store
from app.shared.picker.cards import Card, Filter, Group
from app.shared.picker.dialog import pick
from app.shared.pictures.gallery import data_url
from app.shared.pictures.reading import words
from cifar_core import data
from cifar_core.data import DataStatus
from cifar_core.data.sources import synthetic
from cifar_core.data.sources.drawing import draw
from cifar_core.data.sources.fetch import CIFAR10
from cifar_core.errors import CifarError

PICTURES = 4
UNOPENED = "Its classes and images are counted when it is opened for the first time."
COUNTED = "Its classes and images are counted when that is done."
KINDS = {"synthetic": "drawn", "folder": "your own"}


def choose_dataset(key: str, *, chosen: str = "") -> None:
    """Open a dialog to choose images; `picked(key)` returns their source afterwards."""
    root = store().root
    cards = [dataset_card(one) for one in data.offered_to(store().by, root)]
    filters = [Filter(key="here", label="Here")]
    pick(
        key, "Choose images", [Group(title="All", cards=cards)], filters=filters, chosen=chosen,
        search="Name or class, such as \u201cfrog\u201d",
    )  # fmt: skip


def dataset_card(one: DataStatus) -> Card:
    """Return the card of a data set; what is not known before it is decoded is left out."""
    images = one.train_images + one.test_images
    return Card(
        key=one.source,
        title=one.title,
        badges=("automatic choice",) if one.default else (),
        summary=one.note or uncounted(one),
        facts=(
            *([f"{len(one.classes)} classes"] if one.classes else []),
            *([theme.plural(images, "image")] if images else []),
            "here" if one.ready else to_get(one),
        ),
        hint=", ".join(theme.short(name, 30) for name in one.classes[:12]),
        words=" ".join([one.source, KINDS.get(one.kind, ""), *one.classes[:200]]),
        passes=("here",) if one.ready else (),
        pictures=preview(one),
    )  # fmt: skip


def uncounted(one: DataStatus) -> str:
    """Say why the classes and images of a data set are not known; empty if they are."""
    if one.classes or not one.ready:
        return ""
    now = reading(one.source, str(store().root))
    if now is None:
        return UNOPENED
    return f"{words(now)}. {COUNTED}"


def to_get(one: DataStatus) -> str:
    """Say what it takes to have images that are not on this machine."""
    return f"{CIFAR10.bytes / 1e6:,.0f} MB to fetch" if one.source == "cifar10" else "not here"


def preview(one: DataStatus) -> tuple[str, ...]:
    """Return a few pictures of a data set as data: addresses; none if that takes decoding it."""
    if one.decoded:
        return pictures(one.source, str(store().root), one.fingerprint)
    return drawn() if one.kind == "synthetic" else ()


@st.cache_data(show_spinner=False)
def drawn() -> tuple[str, ...]:
    """Return a picture of each of the first shapes that the program draws."""
    images, _ = draw(1, synthetic.SEED)
    firsts = np.argsort(images.labels)[:PICTURES]
    return tuple(data_url(Image.fromarray(images.pixels[i])) for i in firsts)


@st.cache_data(max_entries=64, show_spinner=False)
def pictures(source: str, root: str, fingerprint: str) -> tuple[str, ...]:
    """Return a picture of each of the first classes; none if the images cannot be opened now."""
    try:
        images = dataset(source, root).train
    except (CifarError, OSError):
        return ()
    firsts = [int(np.argmax(images.labels == label)) for label in np.unique(images.labels)]
    return tuple(data_url(Image.fromarray(images.pixels[i])) for i in firsts[:PICTURES])
