"""The search of the Runs page: the box with its help, and what is shown of what it finds."""

from collections.abc import Sequence

import streamlit as st

from app import theme
from app.session import store
from app.shared.address import (
    keep_in_address,
    keep_switch_in_address,
    start_from_address,
    start_switch_from_address,
    start_text_from_address,
)
from cifar_core.errors import CifarError
from cifar_core.runs import RunRow
from cifar_core.runs.listing import saved_listings
from cifar_core.runs.listing.columns import COLUMNS
from cifar_core.runs.listing.saved_listings import SavedView
from cifar_core.runs.listing.table import USUAL, Listing

SORTABLE = ["", *(column.key for column in COLUMNS.values() if column.kind != "curve")]
EXAMPLES = {
    "resnet failed": "both words occur somewhere: in name, model, status, data, tags or note",
    "arch:resnet opt=adam": "a part of the model's name, and exactly this optimizer",
    "acc>85 lr<=0.01": "accuracies as per cent or share: 85, 85% and 0.85 are the same",
    "state:failed,stopped": "one of several",
    "tag:lab -tag:old": "a minus turns a term round",
    "params<1M time>10min made:2026-11": "units and days",
    "dropout>0 schedule:cosine": "any setting",
    'name:"first try"': "quotation marks hold text together",
}


def search(rows: Sequence[RunRow]) -> Listing:
    """Draw the search box, the view menu and the saved views; return what they ask for."""
    open_view_of_address()
    start_text_from_address("search")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        query = st.text_input(
            "Search",
            key="search",
            type="search",
            live="200ms",
            placeholder="Search, such as resnet acc>85 tag:lab",
            label_visibility="collapsed",
            width=340,
        )
        keep_in_address("search", query or "", "")
        with st.popover("Help", icon=":material/help:", type="tertiary"):
            help_text()
        with st.popover("View", icon=":material/tune:", type="tertiary"):
            listing = choices(query or "")
        saved_view_links()
    return listing


def help_text() -> None:
    """Say what can be typed."""
    st.markdown("**Words and terms; a run must pass all of them.**")
    st.table({f"`{term}`": what for term, what in EXAMPLES.items()}, border="horizontal")
    st.markdown("**Fields**")
    fields = {f"`{column.word}`": column.summary
              for column in COLUMNS.values() if column.kind != "curve"}  # fmt: skip
    st.table(fields, border="horizontal", height=260)


def choices(query: str) -> Listing:
    """Draw columns, sorting and grouping, and save them under a name."""
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
    start_switch_from_address("group")
    group = st.toggle(
        "Group seeds", key="group",
        help="One line for runs that differ only in their seed, with mean and spread.",
    )  # fmt: skip
    keep_switch_in_address("group", group)
    columns = columns or list(USUAL)
    keep_in_address("columns", columns, list(USUAL))
    keep_in_address("sort", sort or "", "")
    listing = Listing(
        query=query,
        columns=tuple(columns),
        sort=("-" if high else "") + sort if sort else "",
        group=group,
    )
    save_form(listing)
    return listing


def save_form(listing: Listing) -> None:
    """Ask for a name under which to keep the view."""
    with st.form("save_view", border=False, clear_on_submit=True):
        name = st.text_input(
            "Save this view as", max_chars=40, placeholder="Lab runs", key="view_name"
        )
        if st.form_submit_button("Save", icon=":material/bookmark_add:", key="save_the_view"):
            try:
                saved_listings.save(store(), name or "", listing)
            except CifarError as error:
                st.error(theme.safe(str(error)))


def saved_view_links() -> None:
    """Draw the saved views, which everybody on this store sees."""
    views = saved_listings.listed(store())
    if not views:
        return
    with st.popover("Saved views", icon=":material/bookmarks:", type="tertiary"):
        for view in views:
            with st.container(horizontal=True, vertical_alignment="center", key=f"view {view.id}"):
                st.button(theme.safe(view.name), key=f"show {view.id}", type="tertiary",
                          on_click=apply, args=(view.listing,))  # fmt: skip
                st.space("stretch")
                st.button("Delete", key=f"forget {view.id}", type="tertiary",
                          icon=":material/delete:", on_click=forget, args=(view,))  # fmt: skip


def open_view_of_address() -> None:
    """Show the saved view that the address names, once."""
    ref = st.query_params.get("view", "")
    if not ref:
        return
    del st.query_params["view"]
    try:
        apply(saved_listings.find(store(), ref).listing)
    except CifarError as error:
        st.toast(theme.safe(str(error)), icon=":material/error:")


def apply(listing: Listing) -> None:
    """Let all controls show a listing."""
    st.session_state["search"] = listing.query
    st.session_state["columns"] = list(listing.columns)
    st.session_state["sort"] = listing.sort.lstrip("-")
    st.session_state["high"] = listing.sort.startswith("-")
    st.session_state["group"] = listing.group


def forget(view: SavedView) -> None:
    """Delete a saved view."""
    saved_listings.delete(store(), view)
