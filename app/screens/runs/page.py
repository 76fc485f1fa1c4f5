"""The Runs page: every run in one table, and the trash."""

from collections.abc import Sequence

import streamlit as st

from app import boundary, theme
from app.cache.refresh import every
from app.navigation import go
from app.screens.runs import paged_list
from app.screens.runs.bulk_actions import bulk_actions
from app.screens.runs.filter_box import filter_controls
from app.screens.runs.paged_list import draw_groups, draw_runs, ids_of, ticked_of
from app.screens.runs.three_doors import three_doors
from app.screens.runs.ticks import tick, ticked
from app.screens.runs.trash import trash_table, undo_bar
from app.screens.runs.twins import twins_bar
from app.session import store
from app.shared.places import places
from app.shared.run_export import table_downloads
from app.shared.run_import.form import due_preview, import_form, popover_key
from app.shared.sweep_links import sweep_links
from cifar_core.errors import QueryError
from cifar_core.people import OPERATOR
from cifar_core.runs import STATES, RunRow
from cifar_core.runs.listing.seed_groups import SeedGroup
from cifar_core.runs.listing.table import Listing
from cifar_core.runs.record.status import is_under_way
from cifar_core.runs.store.run_row import own

REFRESH = 3.0  # seconds between two updates while a run is under way


def page() -> None:
    """Draw the page; Streamlit calls this again on every interaction."""
    places()
    rows, deleted = store().seen(), store().trash_size()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header("Runs" if own(rows) else "What would you like to do?", anchor=False)
        st.space("stretch")
        if deleted:
            label = f"Trash ({deleted})"
            st.toggle(label, key="show_trash", help="Deleted runs, which can be restored.")
        may = store().by.may(OPERATOR)
        if may and own(rows) and st.button(
            "Train", type="primary", icon=":material/add:", key="new"
        ):  # fmt: skip
            go("train")
    due_preview()
    undo_bar()
    twins_bar()
    if deleted and st.session_state.get("show_trash"):
        trash_table(store().trash())
        return
    if not own(rows):
        boundary.part(three_doors)(rows)
    if rows:
        if not own(rows):
            st.subheader("Runs", anchor=False)
        active = any(is_under_way(row.state, row.reason) for row in rows)
        boundary.fragment(live_listing, run_every=every(REFRESH) if active else None)()
        if not own(rows) and store().by.may(OPERATOR):
            st.caption("The examples can be deleted like any run. *Help*, at the top right, "
                       "brings them back.")  # fmt: skip


def live_listing() -> None:
    """Draw the filter and the table; Streamlit repeats it while a run is under way."""
    rows = store().seen()
    if not rows:
        st.rerun()
    sweep_links(rows)
    listing = filter_controls(rows)
    try:
        shown = listing.groups(rows) if listing.group else listing.rows(rows)
    except QueryError as error:
        st.markdown(f":red[{theme.safe(str(error))}]")
        shown = rows
    if not shown:
        no_match(len(rows))
        return
    actions = st.container(horizontal=True, vertical_alignment="center")
    draw_list(shown, listing, rows)
    with actions:
        if ticked := ticked_of(shown):
            selection_bar(ticked, ids_of(shown))
        else:
            st.caption(count_of(rows, shown))
            st.space("stretch")
            with st.popover("Export or import", icon=":material/import_export:", type="tertiary",
                            key=popover_key()):  # fmt: skip
                st.markdown("**This table**")
                table_downloads(shown, listing.columns)
                import_form()


def draw_list(
    shown: Sequence[RunRow] | Sequence[SeedGroup], listing: Listing, rows: Sequence[RunRow]
) -> None:
    """Draw the runs or their groups, of all `rows` of the store."""
    if groups := [line for line in shown if isinstance(line, SeedGroup)]:
        draw_groups(groups, listing)
    else:
        draw_runs([line for line in shown if isinstance(line, RunRow)], listing, rows)


def selection_bar(rows: Sequence[RunRow], every: Sequence[str]) -> None:
    """Say how many runs are ticked, with what can be done to them; `every` line can be ticked."""
    st.caption(f"{theme.count(len(rows))} selected", width="content")
    bulk_actions(rows)
    st.space("stretch")
    if paged_list.MOST_LINES <= len(set(every).intersection(ticked().ids)) < len(every):
        st.button(f"Select all {theme.count(len(every))}", type="tertiary", key="tick_all",
                  on_click=boundary.callback(tick), args=(every,))  # fmt: skip
    st.button(
        "Clear", type="tertiary", key="tick_none", on_click=boundary.callback(tick), args=((),)
    )


def count_of(rows: Sequence[RunRow], shown: Sequence[RunRow] | Sequence[SeedGroup]) -> str:
    """Say how many runs there are, how many are shown and how many are under way."""
    groups = [line for line in shown if isinstance(line, SeedGroup)]
    count = sum(len(group.rows) for group in groups) if groups else len(shown)
    mine = len(own(rows))
    parts = [theme.plural(mine, "run") if mine else "",
             theme.plural(len(rows) - mine, "example") if mine < len(rows) else ""]  # fmt: skip
    words = " and ".join(filter(None, parts))
    if count < len(rows):
        words = f"{count} of {theme.plural(len(rows), 'run')} shown"
    if groups:
        return f"{words}, in {theme.plural(len(groups), 'group')}"
    live = sum(STATES[row.state].is_live for row in rows) if count == len(rows) else 0
    return words + (f", {live} under way" if live else "")


def no_match(count: int) -> None:
    """Say that the filter hides every run, and offer to clear it."""
    st.caption(f"0 of {theme.plural(count, 'run')} shown.")
    st.button("Clear the filter", key="clear", on_click=boundary.callback(clear_filter))


def clear_filter() -> None:
    """Empty the filter box."""
    st.session_state["search"] = ""
