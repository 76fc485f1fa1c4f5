"""The facts about the chosen network: its size, its cost, and what it took here before."""

import streamlit as st

from app import theme
from app.session import store
from cifar_core.models import MODELS
from cifar_core.models.measure import card


def model_card(key: str) -> None:
    """Draw the card of an architecture under the control that chooses it."""
    spec = MODELS[key]
    facts = card(spec)
    st.markdown(
        f"**{theme.magnitude(facts.parameters)}** parameters, "
        f"**{theme.magnitude(facts.multiply_adds)}** multiply-adds per image, "
        f"computes on {facts.input_size} x {facts.input_size} pixels"
    )
    words = [f"{spec.family} network", seconds_per_epoch(key), f"[Paper]({spec.paper})"]
    if not spec.paper:
        words.pop()
    st.caption(". ".join(filter(None, words)))


def seconds_per_epoch(key: str) -> str:
    """Say how long an epoch took in the newest run of this network here, if there is one."""
    for row in store().runs():
        if row.model == key and row.epochs_done and row.seconds:
            each = theme.duration(row.seconds / row.epochs_done)
            return f"{each} per epoch in run #{row.number} on {theme.safe(row.data_title)}"
    return ""
