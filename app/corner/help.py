"""Help: what the signs mean, and the examples for those who deleted them."""

from typing import Any

import streamlit as st

from app import theme
from app.session import store
from app.shared.first_run.examples import bring_back
from cifar_core.runs import STATES


def help_menu() -> None:
    """Draw the menu, whose contents are gathered when it is opened."""
    menu = st.popover("Help", icon=":material/help:", type="tertiary", key="help",
                      on_change="rerun")  # fmt: skip
    if menu.open:
        with menu:
            st.markdown("**Data** are the images, **Train** starts a run, **Runs** shows what came "
                        "out, and **Predict** asks a network about a picture.")  # fmt: skip
            st.markdown("**States of a run**")
            with st.container(horizontal=True, gap="xsmall"):
                for key, (color, icon) in theme.ICONS.items():
                    badge_color: Any = color
                    st.badge(STATES[key].title, icon=f":material/{icon}:", color=badge_color)
            bring_back(store().seen(), "examples")
