"""The Inside tab: a network's layers, feature maps, what activates it, and its graph."""

import streamlit as st

from app.navigation import link
from app.screens.run.inside import activation, graph, layers, maps
from app.shared.address import keep_in_address, start_from_address
from app.shared.networks import Network, load
from app.shared.pictures.chosen import choose_pictures
from app.shared.pictures.picture import Picture
from cifar_core.runs import Run, RunStatus

LAYERS, MAPS, ACTIVATION, GRAPH = "Layers", "Feature maps", "What excites it", "Graph"  # in links
TITLES = {LAYERS: LAYERS, MAPS: MAPS, ACTIVATION: "What activates it", GRAPH: GRAPH}
OF_A_PICTURE = (MAPS, GRAPH)


def draw(run: Run, status: RunStatus) -> None:
    """Draw the tab; Streamlit calls this again on every interaction."""
    network = load(str(run.number))
    if network is None:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        view = choose_view()
        st.space("stretch")
        link("predict", "Predict", ":material/image_search:", run=run.number)
    if view in OF_A_PICTURE:
        left, right = st.columns([1, 2.4], gap="large")
        with left:
            picture = choose_picture(network)
        with right:
            draw_view(view, network, picture)
    else:
        draw_view(view, network, None)


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


def draw_view(view: str, network: Network, picture: Picture | None) -> None:
    """Draw what was chosen."""
    if view == LAYERS:
        layers.draw(network)
    elif view == ACTIVATION:
        activation.draw(network)
    elif picture is None:
        st.info("Drop a picture, or click a small one.", icon=":material/image:")
    elif view == MAPS:
        maps.draw(network, picture)
    else:
        graph.draw(network, picture)
