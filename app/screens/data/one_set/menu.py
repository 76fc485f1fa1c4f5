"""The actions on a data set that fewer people need: rename it, read it again, remove it."""

import streamlit as st

from app import boundary
from app.cache import albums
from app.navigation import go
from app.screens.data.one_set.reading_options import reading_options
from app.session import Key, remember, store
from cifar_core.data import DataStatus
from cifar_core.people import OPERATOR
from cifar_core.runs.store import image_sets


def menu(one: DataStatus) -> None:
    """Draw the menu, for people who may change something."""
    if not store().by.may(OPERATOR, image_sets.owner_of(store(), one.source)):
        return
    key = f"more of {one.source}"
    with st.popover("More", icon=":material/more_horiz:", key=key, on_change="rerun"):
        rename(one)
        if one.kind in image_sets.USUAL:
            return
        if one.ready and st.button(
            "How these images are read", icon=":material/tune:", key="options", type="tertiary",
            on_click=boundary.callback(close), args=(key,),
        ):  # fmt: skip
            reading_options(one)
        if one.ready and st.button(
            "Read again", icon=":material/refresh:", key="again", type="tertiary",
            help="For use after a change of the files: they are all decoded again.",
            on_click=boundary.callback(close), args=(key,),
        ):  # fmt: skip
            boundary.attempt(lambda: read_again(one))
        if st.button("Remove", icon=":material/delete:", key="remove", type="tertiary"):
            remove(one)


def close(key: str) -> None:
    """Close the menu, because what was chosen there is drawn elsewhere."""
    st.session_state[key] = False


def rename(one: DataStatus) -> None:
    """Ask for a new title, in a box that begins with the present one."""
    with st.form("rename", border=False):
        title = st.text_input(
            "Name", one.title, max_chars=image_sets.LONGEST_TITLE,
            key=f"title {one.title} of {one.source}",  # another title fills the box again
        )  # fmt: skip
        saved = st.form_submit_button("Save")
    if saved and title != one.title:
        boundary.attempt(lambda: image_sets.rename(store(), one.source, title or ""))


def read_again(one: DataStatus) -> None:
    """Have the images of a set read again."""
    image_sets.read_again(store(), one.source)
    albums.forget(one.source, str(store().root))


def remove(one: DataStatus) -> None:
    """Remove a set, and show all others with an offer to undo it."""
    try:
        image_sets.remove(store(), one.source)
    except boundary.REFUSED as error:
        boundary.toast(error)
        return
    albums.forget(one.source, str(store().root))
    remember(Key.REMOVED_SET, one.source)
    go("data")
