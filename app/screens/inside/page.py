"""The Inside page: a network's layers, feature maps, what activates it, and its graph."""

import streamlit as st

from app.navigation import link
from app.screens.inside import activation, graph, layers, maps
from app.session import store
from app.shared.address import keep_in_address, start_from_address
from app.shared.networks import Network, choose_network
from app.shared.nothing_trained import nothing_trained
from app.shared.picture import Picture
from app.shared.pictures import choose_pictures

LAYERS, MAPS, ACTIVATION, GRAPH = "Layers", "Feature maps", "What excites it", "Graph"  # in links
TITLES = {LAYERS: LAYERS, MAPS: MAPS, ACTIVATION: "What activates it", GRAPH: GRAPH}
OF_A_PICTURE = (MAPS, GRAPH)


def page() -> None:
    """Draw the page; Streamlit calls this again on every interaction."""
    st.header("Inside the network", anchor=False)
    rows = [row for row in store().runs() if row.best_val_accuracy is not None]
    if not rows:
        nothing_trained()
        return
    left, right = st.columns([1, 2.4], gap="large")
    with left:
        network = choose_network(rows)
        if network is None:
            return
    with right:
        view = choose_view()
    with left:
        picture = choose_picture(network) if view in OF_A_PICTURE else None
        link(
            "explain", "Explain its predictions", ":material/image_search:", run=network.run.number
        )
    with right:
        draw(view, network, picture)


def choose_view() -> str:
    """Let the person choose what to see of the network."""
    start_from_address("view", TITLES)
    st.session_state.setdefault("view", LAYERS)
    view = st.segmented_control(
        "View", list(TITLES), format_func=TITLES.__getitem__, required=True, key="view",
        label_visibility="collapsed",
    ) or LAYERS  # fmt: skip
    keep_in_address("view", view, LAYERS)
    return view


def choose_picture(network: Network) -> Picture | None:
    """Let the person choose a picture; of several, the first one is used."""
    pictures = choose_pictures(network)
    if len(pictures) > 1:
        st.caption("Only the first picture is used here.")
    return pictures[0] if pictures else None


def draw(view: str, network: Network, picture: Picture | None) -> None:
    """Draw what was chosen."""
    if view == LAYERS:
        layers.draw(network)
    elif view == ACTIVATION:
        activation.draw(network)
    elif picture is None:
        st.info("Add a picture, or pick one of the test images.", icon=":material/image:")
    elif view == MAPS:
        maps.draw(network, picture)
    else:
        graph.draw(network, picture)
