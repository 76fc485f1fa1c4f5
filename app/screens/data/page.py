"""The Data page: every data set as a card, and a page for each of them."""

import streamlit as st

from app import boundary
from app.navigation import link
from app.screens.data.cards import cards
from app.screens.data.hub_set import hub_set
from app.screens.data.one_set.page import one_set
from app.screens.data.published_names import published_names
from app.screens.data.published_set import published_set
from app.screens.data.removed import removed_sets, undo_bar
from app.session import store
from cifar_core import data
from cifar_core.data.find import downloadable
from cifar_core.data.hub.names import is_hub_name
from cifar_core.data.listing import describe
from cifar_core.data.permitted import refused_for
from cifar_core.data.published.downloads.offered import download_of

SET = "set"  # the parameter of the address that names a data set


def page() -> None:
    """Draw the page; Streamlit calls this again on every interaction."""
    asked = st.query_params.get(SET, "")
    if asked:
        boundary.part(asked_set)(asked)
        return
    st.header("Data", anchor=False)
    st.caption("The images that networks learn from. Open a set to see its images and its classes.")
    boundary.part(undo_bar)()
    offered = data.offered_to(store().by, store().root)
    known = {one.source for one in offered}
    refused = refused_for(store().by, store().root)
    cards([*offered, *(one for one in refused if one.source not in known)])
    boundary.part(published_names)([one.source for one in offered])
    boundary.part(removed_sets)()


def asked_set(asked: str) -> None:
    """Draw the page of the data set that the address names, or say why it cannot be shown."""
    with st.container(key="link-all-sets"):
        link("data", "All data sets", ":material/arrow_back:")
    source = downloadable(asked)
    if not source or download_of(source).find(store().root) is not None:
        one_set(status_of(source or asked))
    elif is_hub_name(source):
        hub_set(source)
    else:
        published_set(source)


def status_of(asked: str) -> data.DataStatus:
    """Return the data set that a person asks for; DataError says why there is none."""
    root, by = store().root, store().by
    offered = {one.source: one for one in data.offered_to(by, root)}
    source = asked if asked in offered else data.resolve(asked, root, by)
    return offered.get(source) or describe(source, root, {})
