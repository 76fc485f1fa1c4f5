"""The other methods, one click away on a card."""

from collections.abc import Mapping
from dataclasses import replace

import streamlit as st

from app import boundary
from app.screens.predict.form import ask_for, not_offered
from app.screens.predict.request import Request, affordable, settings_of
from app.shared.networks import Network
from app.shared.pictures.picture import Picture
from app.theme import safe
from cifar_core.explain import SALIENCY, refusals


def are_open(picture: Picture) -> bool:
    """Whether a card shows the maps of the other methods."""
    return bool(st.session_state.get(key_of(picture)))


def with_others(request: Request, network: Network, maps: int) -> Request:
    """Return the request with all further methods that suit the network."""
    rest = {
        key: settings_of(spec)
        for key, spec in SALIENCY.items()
        if key not in request.asked and key not in refusals(network.classifier)
    }
    now, waiting = affordable(rest, network, maps)
    return replace(request, methods={**request.methods, **now}, waiting=waiting, maps=maps)


def button(picture: Picture, request: Request) -> None:
    """Draw the button that shows or hides the other methods' maps."""
    count = len(SALIENCY) - len(request.asked)
    if not count:
        return
    shown = are_open(picture)
    label = "Hide the other methods" if shown else f"Other methods ({count})"
    st.button(label, icon=":material/grid_view:", type="tertiary", key=f"show {picture.key}",
              on_click=boundary.callback(show), args=(picture, not shown))  # fmt: skip


def show(picture: Picture, yes: bool) -> None:
    """Show or hide the other methods' maps."""
    st.session_state[key_of(picture)] = yes


def missing(request: Request, network: Network, number: int) -> None:
    """Offer the methods that take long, and say why others are not there."""
    ask_for(request.waiting, network, request.maps, f" {number}")
    refused: Mapping[str, str] = refusals(network.classifier)
    if refused:
        st.caption(safe(not_offered(refused)))


def key_of(picture: Picture) -> str:
    """Return the name under which the session remembers whether they are shown."""
    return f"others {picture.key}"
