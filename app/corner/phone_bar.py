"""The four places at the bottom of a phone's screen, where the top bar has no room for them."""

import streamlit as st

from app.navigation import link

PLACES = {
    "data": ("Data", ":material/dataset:"),
    "train": ("Train", ":material/play_circle:"),
    "runs": ("Runs", ":material/monitoring:"),
    "predict": ("Predict", ":material/image_search:"),
}


def phone_bar() -> None:
    """Draw the bar; app/static/page.css shows it on narrow screens only."""
    with st.container(key="phone_bar", horizontal=True, gap=None):
        for name, (title, icon) in PLACES.items():
            link(name, title, icon)
