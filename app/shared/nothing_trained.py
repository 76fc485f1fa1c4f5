"""What a page shows when it needs a trained network and there is none."""

import streamlit as st

from app.navigation import link


def nothing_trained() -> None:
    """Say what to do when no run has finished an epoch yet."""
    with st.container(border=True, horizontal_alignment="center"):
        st.space("medium")
        st.subheader("Nothing to explain yet", anchor=False, text_alignment="center")
        st.markdown("Train a network first. You can use it as soon as its first epoch is done.",
                    text_alignment="center")  # fmt: skip
        link("train", "Set up a run", ":material/play_arrow:", preset="smoke")
        st.space("medium")
