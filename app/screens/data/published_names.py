"""The published sets by name: the best known ones in sight, all of them one click away."""

from collections.abc import Iterable

import streamlit as st

from app import theme
from app.navigation import link
from app.screens.data.hub_set import hub_field
from app.screens.data.published_set import facts
from app.session import store
from cifar_core.data.published.places import PUBLISHED
from cifar_core.people import OPERATOR

BEST_KNOWN = ("cifar100", "mnist", "fashion_mnist", "svhn", "flowers102", "pets", "food101")
HEIGHT = 420  # pixels of the list of all


def published_names(here: Iterable[str]) -> None:
    """Draw the names of the sets that are not among the cards; each opens the page of its set."""
    if not store().by.may(OPERATOR):  # who may download them
        return
    others = [key for key in PUBLISHED if key not in set(here)]
    with st.container(horizontal=True, vertical_alignment="center", key="published"):
        st.markdown("**Published sets**")
        for key in (key for key in BEST_KNOWN if key in others):
            named(key, "known")
        with st.popover(f"All {len(others)}", type="tertiary"):
            hub_field()
            all_names(others)


def all_names(keys: Iterable[str]) -> None:
    """Draw the names of sets, each with how much it is."""
    with st.container(height=HEIGHT):
        for key in keys:
            named(key, "all")
            st.caption(" \u00b7 ".join(facts(PUBLISHED[key])))


def named(key: str, among: str) -> None:
    """Draw the link to the page of a set, among the best known or all."""
    with st.container(key=f"link-{among}-{key}", width="content"):
        link("data", theme.safe(PUBLISHED[key].title), set=key)
