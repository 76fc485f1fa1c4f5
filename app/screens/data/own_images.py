"""The card of a person's own images, and the dialog that takes them in three steps."""

import streamlit as st

from app import boundary
from app.screens.data.own.drop import drop
from app.screens.data.own.look import look
from app.screens.data.own.naming import naming
from app.screens.data.own.steps import DROP, LOOK, NAME, first, step, steps, turn_to
from app.session import store
from cifar_core.people import OPERATOR

DRAW = {DROP: drop, LOOK: look, NAME: naming}


def own_images() -> None:
    """Draw the card."""
    st.markdown("**Your own images**")
    st.markdown("Pictures in folders, in a zip or tar file, or one by one.")
    if st.button("Use your own images", icon=":material/folder_open:", key="own"):
        turn_to(DROP)
        ways()


@boundary.dialog("Your own images", width="large")
def ways() -> None:
    """Take images: draw the step that the session is at."""
    if not store().by.may(OPERATOR):
        st.markdown(
            "Operators and admins upload images here. Ask an admin of this lab to make you an "
            "operator."
        )
        return
    if step() == (DROP, ""):
        turn_to(*first())  # also if the browser could not say here that an upload has arrived
    now, name = step()
    steps(now)
    DRAW[now](name)
