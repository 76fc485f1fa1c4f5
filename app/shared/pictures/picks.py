"""Which small pictures are chosen, by their names; the address has the same names."""

import streamlit as st

from app.session import Key, remember, remembered
from app.shared.address import keep_in_address
from app.shared.pictures.picture import MOST

PARAMETER = "image"
SEVERAL = "several"  # key of the switch: a click adds a picture to the others


def picked() -> tuple[str, ...]:
    """Return the names of the chosen pictures, the newest first."""
    names: tuple[str, ...] = remembered(Key.PICKED, ())
    return names


def pick(name: str) -> None:
    """Choose a picture; if several may be chosen, put it before the others, or remove it."""
    if not st.session_state.get(SEVERAL):
        remember(Key.PICKED, (name,))
        return
    others = tuple(other for other in picked() if other != name)
    remember(Key.PICKED, others if name in picked() else (name, *others)[:MOST])


def forget() -> None:
    """Choose none of them, so that a person's own pictures are shown."""
    remember(Key.PICKED, ())


def follow_address() -> None:
    """Choose the pictures that the address names, if it was not followed yet."""
    names = st.query_params.get(PARAMETER, "")
    if names and remembered(Key.LINKED) != names:
        remember(Key.LINKED, names)
        remember(Key.PICKED, tuple(filter(None, names.split(",")))[:MOST])


def keep_address() -> None:
    """Write the names of the chosen pictures into the address."""
    keep_in_address(PARAMETER, picked(), ())
    remember(Key.LINKED, ",".join(picked()))
