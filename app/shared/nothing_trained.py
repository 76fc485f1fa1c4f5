"""What a page shows when it needs a trained network and there is none."""

import streamlit as st

from app.session import store
from app.shared.first_run.examples import bring_back
from app.shared.first_run.start import start_button


def nothing_trained() -> None:
    """Say what to do when no run has finished an epoch yet."""
    with st.container(border=True):
        st.markdown(
            "**There is no trained network here yet.** One can be asked as soon as its first epoch "
            "is done."
        )
        with st.container(horizontal=True):
            start_button(primary=True)
            bring_back(store().seen())
