"""The links from a run to those that can begin with its weights."""

import streamlit as st

from app import boundary
from app.navigation import go
from app.screens.run.onward.train_on import train_on
from app.session import Key, remember, remembered
from cifar_core.people import OPERATOR
from cifar_core.runs import Run

REQUEST, TRAIN_ON = "do", "train-on"  # a parameter of the address, and its only value
ON = "More epochs, with its optimizer's memory and its order of the images, as a new run."
FROM = "A new run that begins with its weights, also on other classes or at another size."
TEACH = "A new run learns from its predictions as well as from the labels."


def onward(run: Run) -> None:
    """Draw the links for those who may train, if the run has kept any weights."""
    if not run.by.may(OPERATOR) or not (kept := run.checkpoints()):
        return
    with st.container(gap="xsmall"):
        st.markdown("**Continue with this run**")
        if any(info.resumable for info in kept):
            st.button("Train on", icon=":material/fast_forward:", key="train_on", type="tertiary",
                      help=ON, on_click=boundary.callback(ask))  # fmt: skip
        if st.button("Start from it", icon=":material/account_tree:", key="start_from",
                     type="tertiary", help=FROM):  # fmt: skip
            go("train", start=run.number)
        if st.button("Teach a smaller one", icon=":material/school:", key="teach",
                     type="tertiary", help=TEACH):  # fmt: skip
            go("train", teacher=run.number)


def ask() -> None:
    """Ask for the dialog, and for a new menu, which is closed."""
    st.query_params[REQUEST] = TRAIN_ON
    remember(Key.MENUS, remembered(Key.MENUS, 0) + 1)


def menu_key() -> str:
    """Return the key of the menu with these links; another one once the dialog was asked for."""
    return f"more {remembered(Key.MENUS, 0)}"


def follow_request(run: Run) -> None:
    """Open the dialog that the address asks for, once."""
    if st.query_params.pop(REQUEST, "") == TRAIN_ON and run.by.may(OPERATOR):
        train_on(run)
