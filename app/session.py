"""What is remembered: every key of the session's state and everything that is cached."""

from enum import StrEnum
from typing import TYPE_CHECKING, Any

import streamlit as st

from app.access.admission import person
from cifar_core import device
from cifar_core.runs import Store

if TYPE_CHECKING:
    pass


class Key(StrEnum):
    """What a session remembers from one interaction to the next, besides its widgets."""

    DELETED = "deleted"  # ids of the runs that an undo would bring back
    DRAFT = "draft"  # plain settings that the New run page starts from
    DRAFT_SOURCE = "draft_source"  # the preset or the run that they come from
    DRAFT_NUMBER = "draft_number"  # goes up with each draft, so that its controls start anew
    STARTED = "started"  # id of the run that this draft became, or the token of its sweep
    VARIED = "varied"  # the draft and the address's lists that were put into it
    SEARCH = "search_started"  # number of the rate search that this form became
    ESTIMATE = "estimate"  # the settings measured last, and what came out
    FIT = "fit"  # the settings whose largest batch was measured last, and what came out
    RESHUFFLE = "reshuffle"  # seed of the augmentation preview
    PICKED = "picked"  # places of the chosen test images
    ASKED_FOR = "asked_for"  # saliency methods that may take long, which the person asked for
    LINKED = "linked"  # the image that the address names, when it was last looked at
    OFFER = "offer"  # seed of the test images to choose from
    BROWSED = "browsed"  # seed of the images on the Data page
    EVALUATED = "evaluated"  # number of the run that the Evaluate page showed last
    REVEALED = "revealed"  # ids of the runs whose test images this session has looked at
    PAGE = "gallery_page"  # which pictures of a gallery are shown
    PINNED = "pinned"  # the image that is followed over the epochs, as in the address of Explain
    CHART = "chart"  # the live chart's own state: the enlarged part
    COMPARED = "compared"  # the same of the curves on the Compare page
    COSTS = "costs"  # the same of the Compare page's accuracy against cost
    ANSWERING = "answering"  # which runs' answers were asked for on the Compare page
    LOOKED = "looked"  # which runs' test images the Compare page was asked to show


def store() -> Store:
    """Return the store that the environment names, on behalf of whoever looks.

    A handle without memory of its own, so that a role that changes counts at once.
    """
    return Store.default(person())


@st.cache_data(ttl=300, show_spinner=False)
def inventory() -> list[device.Device]:
    """Return this machine's devices; asking a GPU takes a moment."""
    return device.inventory()


def remembered(key: Key, default: Any = None) -> Any:
    """Return what the session remembers under a key."""
    return st.session_state.get(key, default)


def remember(key: Key, value: Any) -> None:
    """Keep a value for the session."""
    st.session_state[key] = value
