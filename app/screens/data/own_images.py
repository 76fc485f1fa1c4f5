"""The card of a person's own images, and the ways to use them."""

import streamlit as st

from app import boundary
from app.navigation import go
from app.session import store
from cifar_core import data
from cifar_core.data import roots
from cifar_core.people import OPERATOR

LAYOUT = "train/cat/0001.jpg\ntrain/dog/0001.jpg\ntest/cat/0001.jpg\ntest/dog/0001.jpg"


def own_images() -> None:
    """Draw the card."""
    st.markdown("**Your own images**")
    st.markdown("A folder for each class, or a tar or zip file of them.")
    if st.button("Use your own images", icon=":material/folder_open:", key="own"):
        ways()


@boundary.dialog("Your own images")
def ways() -> None:
    """Say how the images are laid out, and take a folder or an archive where that is allowed."""
    st.markdown(
        "A folder, or a tar or zip file of one, contains one folder per class, once for training "
        "and once for testing:"
    )
    st.code(LAYOUT, language=None)
    if not store().by.is_local:
        st.markdown(
            "Others can reach this dashboard, so it reads only folders that its admin has "
            f"named in `{roots.VARIABLE}`, and lists the images in them here. Ask an admin of "
            "this lab to put yours there."
        )
        return
    if store().by.may(OPERATOR):
        path_form()
    st.caption(
        "If `CIFAR_DATA` is set to its path before the dashboard starts, every run uses it by "
        "default. An official CIFAR-10 archive, or the folder that torchvision made from it, "
        f"is found automatically in `{store().root / 'data'}`."
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
