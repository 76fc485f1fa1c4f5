"""Help: what the signs mean, and the examples for those who deleted them."""

from typing import Any

import streamlit as st

from app import boundary, theme
from app.session import store
from cifar_core import examples
from cifar_core.examples import EXAMPLES
from cifar_core.people import OPERATOR
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
            if store().by.may(OPERATOR) and not all_here():
                st.button(
                    "Bring back the examples", icon=":material/restore:", key="examples",
                    on_click=boundary.callback(bring_back),
                )  # fmt: skip


def all_here() -> bool:
    """Whether no example was deleted."""
    return sum(row.example for row in store().runs()) >= len(EXAMPLES)


def bring_back() -> None:
    """Put the shipped examples into the store again."""
    examples.restore(store())
