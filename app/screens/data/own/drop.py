"""The first step: whole sets and pictures for one class, dropped here or named by their path."""

import streamlit as st

from app import theme
from app.navigation import go
from app.screens.data.own.classes import into_classes
from app.screens.data.own.steps import CLASSES, DROP, LOOK, act, discard, mine, show_now, turn_to
from app.session import store
from app.upload.drop_zone import drop_zone
from cifar_core import data
from cifar_core.data import roots

WHOLE, INTO = "A whole set", "Pictures of one class"
PROMPT = "Drop a folder, a zip or tar file, or pictures here"


def drop(chosen: str) -> None:
    """Take a whole set, or pictures of one class; `chosen` is the set that they belong to."""
    ways = {WHOLE: DROP, INTO: CLASSES}
    way = st.segmented_control(
        "What to upload", list(ways), default=INTO if chosen else WHOLE, required=True,
        key="upload_way", label_visibility="collapsed",
    )  # fmt: skip
    if way == INTO:
        into_classes(chosen)
    else:
        whole()
    not_named()
    with st.expander("Images that are already on this machine"):
        elsewhere()


def whole() -> None:
    """Take a whole set of images."""
    arrived = drop_zone("upload_whole", PROMPT)
    if arrived:
        show_now(LOOK, arrived.set)
    st.caption(
        "One folder for each class is enough. You see what was recognized before anything is used."
    )


def not_named() -> None:
    """List the sets that were uploaded and have no name yet."""
    for found in mine():
        if not found.kept:
            with st.container(horizontal=True, vertical_alignment="center"):
                files = theme.plural(found.files, "file")
                st.markdown(f"{theme.safe(found.title)}: {files}, not named yet.")
                act("Look", lambda name: turn_to(LOOK, name), found.name)
                act("Discard", discard, found.name)


def elsewhere() -> None:
    """Say which images of the machine can be used, and take a path where that is allowed."""
    if store().by.is_local:
        path_form()
        st.caption(
            "If `CIFAR_DATA` is set to its path before the dashboard starts, every run uses it by "
            "default. An official CIFAR-10 archive, or the folder that torchvision made from it, "
            f"is found automatically in `{store().root / 'data'}`."
        )
    else:
        st.markdown(
            "Others can reach this dashboard, so it reads only what is uploaded and the folders "
            f"that its admin has named in `{roots.VARIABLE}`; the sets in them are listed on the "
            "Data page."
        )


def path_form() -> None:
    """Take the path of a folder or an archive on this machine, and open its page."""
    with st.form("path", border=False):
        path = st.text_input(
            "Folder or archive on this machine", key="path", placeholder="/home/ann/pets"
        )
        is_sent = st.form_submit_button("Show these images", type="primary")
    if is_sent:
        if not path.strip():
            st.error("No path was given. Type the path of a folder or an archive.")
            return
        go("data", set=data.resolve(path, store().root, store().by))
