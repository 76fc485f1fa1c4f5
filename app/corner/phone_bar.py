"""The four places at the bottom of a phone's screen, where the top bar has no room for them."""

import streamlit as st

from app.navigation import PLACES, link


def phone_bar() -> None:
    """Draw the bar; app/static/page.css shows it on narrow screens only."""
    with st.container(key="phone_bar", horizontal=True, gap=None):
        for name, (title, icon, _) in PLACES.items():
            link(name, title, icon)
