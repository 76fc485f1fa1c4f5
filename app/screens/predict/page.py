"""The Predict page: what trained networks predict for a picture, and which parts mattered."""

import streamlit as st

from app import boundary
from app.navigation import link
from app.screens.predict.background import background
from app.screens.predict.picture_card import Shown, card, download
from app.screens.predict.picture_edits import edited
from app.screens.predict.predictions import predict, shared_limits
from app.screens.predict.request import choose_request
from app.session import store
from app.shared.address import one_name
from app.shared.networks import choose_networks
from app.shared.nothing_trained import nothing_trained
from app.shared.pictures.chosen import choose_pictures


def page() -> None:
    """Draw the page; Streamlit calls this again on every interaction."""
    st.header("Predict", anchor=False)
    one_name("run", "id")
    rows = [row for row in store().runs() if row.best_val_accuracy is not None]
    if not rows:
        nothing_trained()
        return
    left, right = st.columns([1, 2.4], gap="large")
    with left:
        networks = choose_networks(rows)
        if not networks:
            return
        background(networks)
        pictures = [edited(picture) for picture in choose_pictures(networks[0])]
        request = choose_request(networks, max(1, len(pictures)))
        link(
            "run",
            "Inside the network",
            ":material/layers:",
            id=networks[0].run.number,
            tab="inside",
        )
    with right:
        if not pictures:
            invitation()
            return
        by_picture = [[predict(network, picture) for network in networks] for picture in pictures]
        predictions = [prediction for group in by_picture for prediction in group]
        limits: dict[str, float] = {}
        if request.shared:
            try:
                limits = shared_limits(predictions, request, request.methods)
            except boundary.REFUSED as error:
                st.caption(f"Each map has its own scale. {boundary.words(error)}")
        shown: Shown = []
        for number, group in enumerate(by_picture):
            shown += card(group, request, limits, number)
        if len(by_picture) > 1:
            download(shown, "explanations.zip", predictions, key="download", label="Download all")


def invitation() -> None:
    """Say what appears here."""
    with st.container(border=True):
        st.markdown("**Add a picture or pick one.**")
        st.caption(
            "You will see the most likely classes, the 32 x 32 pixels that the network sees, and "
            "which parts of the picture mattered for its prediction."
        )
