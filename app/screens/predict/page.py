"""The Predict page: what is this picture, and which parts of it mattered?"""

from collections.abc import Sequence

import streamlit as st

from app import boundary
from app.navigation import link
from app.screens.predict.background import background
from app.screens.predict.form import form
from app.screens.predict.maps import Later, Shown
from app.screens.predict.picture_card import card
from app.screens.predict.picture_edits import edited
from app.screens.predict.predictions import predict
from app.screens.predict.request import read_request
from app.screens.predict.share import download
from app.session import store
from app.shared.address import one_name
from app.shared.first_run.examples import PHOTOGRAPHS, example, only_drawings
from app.shared.networks import Network, choose_networks
from app.shared.nothing_trained import nothing_trained
from app.shared.pictures.chosen import choose_pictures
from app.shared.pictures.named import for_network
from cifar_core.runs import TRAINING, RunRow

TITLE = "Predict"


def page() -> None:
    """Draw the page; Streamlit calls this again on every interaction."""
    one_name("run", "id")
    rows = [
        row for row in store().seen() if row.kind == TRAINING and row.best_val_accuracy is not None
    ]
    if not rows:
        st.header(TITLE, anchor=False)
        nothing_trained()
        return
    networks = choose_networks(TITLE, rows)
    if not networks:
        return
    left, right = st.columns([1, 2.4], gap="large")
    with left:
        pictures = choose_pictures(networks[0])
        request = read_request(networks, len(pictures))
        form(networks[0], request)
        jobs = st.container()
        link(
            "run",
            "Inside the network",
            ":material/layers:",
            id=networks[0].run.number,
            tab="inside",
        )
    if not pictures or any(not picture.ref for picture in pictures):  # of the person's own
        with right:
            shapes_only(networks[0], rows)
    if not pictures:
        with right:
            invitation()
        return
    later: Later = []
    with right:
        by_picture = [
            [predict(network, edited(for_network(network, picture))) for network in networks]
            for picture in pictures
        ]
        every = [prediction for group in by_picture for prediction in group]
        shown: Shown = []
        for number, group in enumerate(by_picture):
            shown += card(group, request, number, every, later)
        if len(by_picture) > 1:
            download(shown, "explanations.zip", every, key="download", label="Download all")
    for act in later:
        act()
    with jobs:  # last, as they take the processor from the first map
        background(networks)


def shapes_only(network: Network, rows: Sequence[RunRow]) -> None:
    """Say it if the network knows only drawn shapes, and offer the one that knows photographs."""
    if not only_drawings(network.run):
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(
            "This network knows only drawn shapes and takes any photograph for one of them.",
            width="content",
        )
        if other := example(rows, PHOTOGRAPHS):
            st.button(
                "Ask the example about photographs", icon=":material/image_search:",
                type="tertiary", key="ask example",
            on_click=boundary.callback(choose), args=(other.number,),
            )  # fmt: skip


def choose(number: int) -> None:
    """Choose a network."""
    st.session_state["run"] = str(number)


def invitation() -> None:
    """Say what appears here."""
    with st.container(border=True):
        st.markdown("**What is this picture?** Drop one, or click a small one.")
        st.caption(
            "You will see what the network takes it for, how confident it is, and which parts of "
            "the picture mattered for its prediction."
        )
