"""The Images tab: samples of each class with their names, and a click shows one larger."""

import numpy as np
import streamlit as st

from app import boundary, theme
from app.screens.data.one_set.grid import grid
from app.screens.data.one_set.view import View
from app.session import Key, remember, remembered
from cifar_core.data.contents import PartOfSet
from cifar_core.data.review.album import TITLES, sample

EVERY = "All classes"
SIZES = {"Small": (1.5, 96), "Medium": (3.0, 40), "Large": (6.0, 12)}  # zoom, and how many


def draw(view: View) -> None:
    """Draw the controls and the images; only this part is drawn again when they change."""
    boundary.fragment(browser, run_every=None)(view)


def browser(view: View) -> None:
    """Draw some of the images of a class and a part."""
    album, parts = view.album, view.album.present
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox(
            "Class", [EVERY, *album.classes], key=f"class of {view.one.source}", width=220
        )
        part: PartOfSet = st.segmented_control(
            "Part", parts, default=parts[0], required=True, format_func=lambda p: TITLES[p],
            key=f"part of {view.one.source}",
        )  # fmt: skip
        size = st.segmented_control(
            "Size", list(SIZES), default="Medium", required=True, key="size",
            persist_state="session",
        )  # fmt: skip
        st.space("stretch")
        seed = remembered(Key.BROWSE_SEED, 0)
        st.button(
            "Show others", icon=":material/shuffle:", key="others",
            on_click=boundary.callback(remember), args=(Key.BROWSE_SEED, seed + 1),
        )  # fmt: skip
    zoom, most = SIZES[size]
    matching = album.in_part(part)
    if name in album.classes:
        matching = matching & (album.labels == album.classes.index(name))
    chosen = sample(album, matching, most, seed)
    if not len(chosen):
        st.caption(f"There are no {TITLES[part].lower()} images of this class.")
        return
    grid(view, chosen, key="images", zoom=zoom, by_class=name not in album.classes)
    total = int(np.count_nonzero(matching))
    how = ", chosen at random" if len(chosen) < total else ""
    if how and name not in album.classes and len(album.classes) > 1:
        how += " from each class" if len(album.classes) <= most else ", at most one of a class"
    st.caption(f"{len(chosen)} of {theme.plural(total, f'{TITLES[part].lower()} image')}{how}. "
               "Click one to see it larger.")  # fmt: skip
