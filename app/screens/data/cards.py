"""The data sets as cards, with the person's own images first."""

from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import theme
from app.navigation import link
from app.screens.data.download import download
from app.screens.data.own_images import own_images
from app.screens.data.warnings import is_refused, warning
from app.shared.picker.datasets import preview, uncounted
from cifar_core.data import DataStatus
from cifar_core.data.sources.fetch import CIFAR10

WIDTH, PICTURE = 280, 56  # pixels: of a card at least, and of a picture
MEGA = 1e6


def cards(offered: Sequence[DataStatus]) -> None:
    """Draw the cards; their pictures come last, so that nothing waits for them."""
    titles = [one.title for one in offered]
    with st.grid(min_column_width=WIDTH, gap="medium"):
        with st.container(border=True, height="stretch", key="own-images"):
            own_images()
        places = [card(one, alone=titles.count(one.title) == 1) for one in offered]
    for one, place in zip(offered, places, strict=True):
        if pictures := preview(one):
            words = [f"An image of {one.title}"] * len(pictures)
            place.image(list(pictures), width=PICTURE, alt=words)


def card(one: DataStatus, *, alone: bool) -> DeltaGenerator:
    """Draw a data set; return the place of its pictures. `alone` means no other has its title."""
    with st.container(border=True, height="stretch", gap="small", key=f"set-{one.source}"):
        place = st.empty()
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            with st.container(key=f"link-{one.source}", width="content"):
                link("data", f"**{theme.safe(one.title)}**", set=one.source)
            if one.default:
                st.badge("Used by default", color="blue")
        refused = is_refused(one)
        st.markdown(" \u00b7 ".join(["could not be read"] if refused else facts(one)))
        for words in details(one, alone=alone, refused=refused):
            st.caption(theme.safe(words))
        if words := warning(one):
            st.caption(f":material/warning: {theme.safe(words)}")
        if one.kind == "cifar10" and not one.ready:
            download()
        elif one.action:
            st.caption(theme.safe(one.action))
    return place


def details(one: DataStatus, *, alone: bool, refused: bool) -> list[str]:
    """Say who made the images, where they are if that distinguishes them, and what is unknown."""
    return [
        *([one.origin or one.note] if one.kind != "folder" else []),
        *([] if alone else [one.where]),
        *(["Its page says why."] if refused else filter(None, [uncounted(one)])),
    ]


def facts(one: DataStatus) -> list[str]:
    """Say how many classes and images there are, as far as that is known, and whether here."""
    images = one.train_images + one.test_images
    return [
        *([f"{theme.count(len(one.classes))} classes"] if one.classes else []),
        *([theme.plural(images, "image")] if images else []),
        "here" if one.ready else to_get(one),
    ]  # fmt: skip


def to_get(one: DataStatus) -> str:
    """Say what it takes to have images that are not on this machine."""
    megabytes = f"{CIFAR10.bytes / MEGA:,.0f} MB to download"
    return megabytes if one.source == "cifar10" else "not here"
