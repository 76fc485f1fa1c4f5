"""One page of the list of runs, sorted by its heads, and the runs that are ticked on all pages."""

from collections.abc import Sequence

import streamlit as st

from app import boundary, theme
from app.screens.runs import group_table, table
from app.screens.runs.run_list import Head, Line, answered, run_list
from app.screens.runs.ticks import ticked
from cifar_core.runs import RunRow
from cifar_core.runs.listing.columns import COLUMNS
from cifar_core.runs.listing.seed_groups import SeedGroup
from cifar_core.runs.listing.table import USUAL, Listing

MOST_LINES = 100  # of a page
HIGHEST_FIRST = ("share", "number", "seconds", "day", "switch")


def draw_runs(rows: Sequence[RunRow], listing: Listing, every: Sequence[RunRow]) -> None:
    """Draw runs as the listing asks; `every` run of the store decides who waits at which place."""
    columns = table.with_optional_columns(rows, listing.columns)
    above = st.container()
    shown = rows[page_of(len(rows))]
    lines = table.lines(shown, columns, table.places(every))
    with above:
        draw(table.heads(columns), lines, listing, "Runs", chosen=listing.columns != USUAL)


def draw_groups(groups: Sequence[SeedGroup], listing: Listing) -> None:
    """Draw groups of runs that differ only in the seed."""
    above = st.container()
    lines = group_table.lines(groups[page_of(len(groups))])
    label = "Groups of runs that differ only in the seed"
    with above:
        draw(group_table.HEADS, lines, listing, label, chosen=True)


def draw(
    heads: Sequence[Head], lines: Sequence[Line], listing: Listing, label: str, *, chosen: bool
) -> None:
    """Draw the list."""
    run_list(
        heads,
        lines,
        label=label,
        ticks=ticked(),
        sort=listing.sort,
        on_sort=boundary.callback(sort_clicked),
        chosen=chosen,
    )


def ticked_of(shown: Sequence[RunRow] | Sequence[SeedGroup]) -> list[RunRow]:
    """Return the runs that are ticked, of those that the listing shows on all its pages."""
    ids = set(ticked().ids)
    rows = [line for line in shown if isinstance(line, RunRow) and line.id in ids]
    groups = [g for g in shown if isinstance(g, SeedGroup) and group_table.id_of(g) in ids]
    return [*rows, *(row for group in groups for row in group.rows)]


def ids_of(shown: Sequence[RunRow] | Sequence[SeedGroup]) -> list[str]:
    """Return what the ticks of all lines are kept by."""
    return [group_table.id_of(x) if isinstance(x, SeedGroup) else x.id for x in shown]


def page_of(count: int) -> slice:
    """Offer the pages, if one is not enough; return which lines are on the chosen one.

    They have to be offered before the list is drawn: on the first drawing only they know which
    page the address names.
    """
    if count <= MOST_LINES:
        return slice(0, count)
    last_page = -(-count // MOST_LINES)
    with st.container(horizontal=True, vertical_alignment="center"):
        number = st.pagination(last_page, key="page", bind="query-params")
        start = MOST_LINES * ((number if 1 <= number <= last_page else 1) - 1)
        end = min(count, start + MOST_LINES)
        st.caption(f"{theme.count(start + 1)} to {theme.count(end)} of {theme.count(count)}")
    return slice(start, end)


def to_first_page() -> None:
    """Show the first page, since the lines are no longer the same."""
    if "page" in st.session_state:
        st.session_state["page"] = 1


def sort_clicked() -> None:
    """Sort by the head that was clicked: by its usual order, the other one, then newest first."""
    key = answered("sort")
    if key not in list(COLUMNS) or COLUMNS[key].kind == "curve":
        return
    highest = COLUMNS[key].kind in HIGHEST_FIRST
    now = st.session_state.get("sort") or ""
    if now != key:
        st.session_state["sort"], st.session_state["high"] = key, highest
    elif st.session_state.get("high", False) == highest:
        st.session_state["high"] = not highest
    else:
        st.session_state["sort"] = ""
    to_first_page()
