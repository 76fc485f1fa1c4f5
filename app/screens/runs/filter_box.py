"""The filter of the Runs page: its box and help, and how the matching runs are listed."""

from collections.abc import Sequence

import streamlit as st

from app import boundary, theme
from app.screens.runs.paged_list import to_first_page
from app.session import store
from app.shared.address import (
    keep_in_address,
    keep_switch_in_address,
    start_from_address,
    start_switch_from_address,
    start_text_from_address,
)
from cifar_core.people import OPERATOR
from cifar_core.runs import RunRow
from cifar_core.runs.listing import saved_listings
from cifar_core.runs.listing.columns import COLUMNS
from cifar_core.runs.listing.saved_listings import SavedListing
from cifar_core.runs.listing.table import USUAL, Listing

SORTABLE = ["", *(column.key for column in COLUMNS.values() if column.kind != "curve")]
EXAMPLES = {
    "resnet failed": "both words occur, in name, model, optimizer, status, data, tags or note",
    "arch:resnet opt=adam": "part of the model's name, and exactly this optimizer",
    "acc>85 lr<=0.01": "accuracies as percentages or fractions: 85, 85% and 0.85 are the same",
    "state:failed,stopped": "any of several values",
    "tag:lab -tag:old": "a minus negates a term",
    "params<1M time>10min made:2026-11": "units and days",
    "dropout>0 schedule:cosine": "any setting",
    'name:"first try"': "quotation marks for text with spaces",
}


def filter_controls(rows: Sequence[RunRow]) -> Listing:
    """Draw the filter, the display menu and the saved listings; return the chosen listing."""
    open_listing_of_address()
    start_text_from_address("search")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        query = st.text_input(
            "Filter",
            key="search",
            type="search",
            live="200ms",
            placeholder="Filter, such as resnet acc>85 tag:lab",
            label_visibility="collapsed",
            width=340,
            on_change=boundary.callback(to_first_page),
        )
        keep_in_address("search", query or "", "")
        with st.popover("How to filter", icon=":material/help:", type="tertiary"):
            help_text()
        with st.popover("Display", icon=":material/tune:", type="tertiary"):
            listing = choices(query or "")
        saved_listing_links()
    return listing


def help_text() -> None:
    """Explain what can be typed into the filter."""
    st.markdown("**Words and terms; a run must match all of them.**")
    st.table({f"`{term}`": meaning for term, meaning in EXAMPLES.items()}, border="horizontal")
    st.markdown("**Fields**")
    fields = {f"`{column.word}`": column.summary
              for column in COLUMNS.values() if column.kind != "curve"}  # fmt: skip
    st.table(fields, border="horizontal", height=260)


def choices(query: str) -> Listing:
    """Draw columns, sorting and grouping, and a form that saves them under a name."""
    start_from_address("columns", list(COLUMNS), several=True)
    st.session_state.setdefault("columns", list(USUAL))
    columns = st.multiselect(
        "Columns", list(COLUMNS), key="columns", format_func=lambda key: COLUMNS[key].title
    )
    start_from_address("sort", SORTABLE)
    sort = st.selectbox(
        "Sort by", SORTABLE, key="sort",
        format_func=lambda key: COLUMNS[key].title if key else "Newest first",
    )  # fmt: skip
    if sort:
        start_switch_from_address("high", True)
        high = st.toggle("Highest first", key="high")
        keep_switch_in_address("high", high, True)
    else:
        high = False
        st.query_params.pop("high", None)
    start_switch_from_address("group")
    group = st.toggle(
        "Group seeds", key="group",
        help="One row for runs that differ only in the seed, with mean and standard deviation.",
    )  # fmt: skip
    keep_switch_in_address("group", group)
    columns = columns or list(USUAL)
    keep_in_address("columns", columns, list(USUAL))
    keep_in_address("sort", sort or "", "")
    listing = Listing(
        query=query,
        columns=tuple(columns),
        sort=f"{'-' if high else ''}{sort or ''}",
        group=group,
    )
    if store().by.may(OPERATOR):
        save_form(listing)
    return listing


def save_form(listing: Listing) -> None:
    """Ask for a name under which to save the listing."""
    with st.form("save_listing", border=False, clear_on_submit=True):
        name = st.text_input(
            "Save this listing as", max_chars=40, placeholder="Lab runs", key="listing_name"
        )
        if st.form_submit_button("Save", icon=":material/bookmark_add:", key="save_the_listing"):
            try:
                saved_listings.save(store(), name or "", listing)
            except boundary.REFUSED as error:
                boundary.show(error)


def saved_listing_links() -> None:
    """Draw the saved listings, which everyone who uses this store sees."""
    saved = saved_listings.listed(store())
    if not saved:
        return
    with st.popover("Saved listings", icon=":material/bookmarks:", type="tertiary"):
        for entry in saved:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.button(theme.safe(entry.name), key=f"show {entry.id}", type="tertiary",
                          on_click=boundary.callback(apply), args=(entry.listing,))  # fmt: skip
                st.space("stretch")
                if store().by.may(OPERATOR, entry.owner):
                    st.button("Delete", key=f"delete {entry.id}", type="tertiary",
                              icon=":material/delete:", on_click=boundary.callback(delete),
                              args=(entry,))  # fmt: skip


def open_listing_of_address() -> None:
    """Apply the saved listing that the address names, once."""
    ref = st.query_params.get("view", "")
    if not ref:
        return
    del st.query_params["view"]
    try:
        apply(saved_listings.find(store(), ref).listing)
    except boundary.REFUSED as error:
        boundary.toast(error)


def apply(listing: Listing) -> None:
    """Set all controls to a listing."""
    st.session_state["search"] = listing.query
    st.session_state["columns"] = list(listing.columns)
    st.session_state["sort"] = listing.sort.lstrip("-")
    st.session_state["high"] = listing.sort.startswith("-")
    st.session_state["group"] = listing.group


def delete(saved: SavedListing) -> None:
    """Delete a saved listing, or say why not."""
    try:
        saved_listings.delete(store(), saved)
    except boundary.REFUSED as error:
        boundary.toast(error)
