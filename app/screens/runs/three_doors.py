"""What the Runs page shows until there is a run of one's own: three ways to begin."""

from collections.abc import Sequence

import streamlit as st

from app.cache.examples import NAME, drawings, samples
from app.navigation import go, link
from app.session import store
from app.shared.first_run.examples import PHOTOGRAPHS, bring_back, example
from app.shared.first_run.start import start_button
from app.shared.pictures.gallery import Tile, gallery
from app.shared.run_import.form import import_form, popover_key
from cifar_core.people import OPERATOR
from cifar_core.runs import RunRow

SIDE, SHOWN = 44, 10  # pixels of a drawing, and how many there are room for


def three_doors(rows: Sequence[RunRow]) -> None:
    """Draw the doors that this visitor may open."""
    asked, allowed = example(rows, PHOTOGRAPHS), store().by.may(OPERATOR)
    if not allowed:
        if asked:
            ask(asked)
        else:
            st.markdown("Nothing has been trained here yet; an operator can start the first run.")
            link("data", "See the images that networks learn from", ":material/dataset:")
        return
    first, second, third = st.columns([2, 1.1, 1.1]) if asked else (None, *st.columns(2))
    if first and asked:
        with first:
            ask(asked)
    with second:
        train(primary=not asked)
    with third:
        own_images(listed=bool(rows))
    if not rows:
        bring_back(rows)


def ask(row: RunRow) -> None:
    """Draw the way to a trained network, with drawings to ask it about."""
    with st.container(border=True, height="stretch"):
        st.markdown("#### Ask a trained network")
        st.markdown(
            "An example is already here: a small network that learned ten kinds of things in "
            "photographs. Give it a picture of yours, or click one of these drawings, and see "
            "what it says and why."
        )
        offered = samples()[:SHOWN]
        tiles = [tile(number, one.title) for number, one in enumerate(offered, 1)]
        clicked = gallery(drawings(SIDE)[:SHOWN], tiles, key="first_drawings", width=SIDE)
        with st.container(horizontal=True, vertical_alignment="center"):
            pressed = st.button("Try it on a picture", type="primary", key="ask",
                                icon=":material/image_search:")  # fmt: skip
            link("run", "Look at how it was trained", id=row.number)
    if clicked:
        go("predict", run=row.number, image=f"{NAME}-{clicked}")
    if pressed:
        go("predict", run=row.number)


def tile(number: int, title: str) -> Tile:
    """Return the text of a drawing, which only a screen reader or the pointer shows."""
    about = f"Ask about {title}."
    return Tile(key=str(number), truth="", prediction="", right=True, title=about)


def train(*, primary: bool) -> None:
    """Draw the way to a run of one's own, which needs no form."""
    with st.container(border=True, height="stretch"):
        st.markdown("#### Train one yourself")
        st.markdown(
            "On ten shapes that the program draws: nothing to download, nothing to set. Live "
            "curves, then a result, usually in under a minute."
        )
        start_button("Start the first run", primary=primary)


def own_images(*, listed: bool) -> None:
    """Draw the way to the images of the visitor, and without a list of runs to a first import."""
    with st.container(border=True, height="stretch"):
        st.markdown("#### Use my own images")
        st.markdown("A folder or an archive with one folder of pictures for each kind.")
        if st.button("Add images", icon=":material/add_photo_alternate:", key="add_images"):
            go("data")
        if not listed:
            with st.popover("Import a run", type="tertiary", key=popover_key()):
                import_form()
