"""The Runs page: every run in one table, and the trash."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from app import theme
from app.components.sweep_actions import sweep_links
from app.components.trash import delete, trash_table, undo_bar
from app.navigation import go, link
from app.session import store
from cifar_core.runs import KINDS, STATES, TRAINING, RunRow
from cifar_core.runs.status import is_under_way

DAMAGED = "Damaged file"
LOOK_AGAIN = 3.0  # seconds between two looks while a run is under way


def page() -> None:
    """Draw the page; Streamlit calls this again on every interaction."""
    rows, trash = store().runs(), store().trash()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header("Runs", anchor=False)
        st.space("stretch")
        if trash:
            label = f"Trash ({len(trash)})"
            st.toggle(label, key="show_trash", help="Deleted runs, which can be restored.")
        if rows and st.button("New run", type="primary", icon=":material/add:", key="new"):
            go("new_run")
    undo_bar()
    if trash and st.session_state.get("show_trash"):
        trash_table(trash)
    elif rows:
        active = any(is_under_way(row.state, row.reason) for row in rows)
        st.fragment(listing, run_every=LOOK_AGAIN if active else None)()
    else:
        welcome()


def welcome() -> None:
    """Say what to do when there is no run yet."""
    with st.container(border=True, horizontal_alignment="center"):
        st.space("medium")
        st.subheader("Train your first network", anchor=False, text_alignment="center")
        st.markdown(
            "A smoke test takes about a minute and shows everything once: live curves, "
            "a result, and what the network looks at.",
            text_alignment="center",
        )
        if st.button("Set up a run", type="primary", icon=":material/play_arrow:", key="first"):
            go("new_run", preset="smoke")
        link("data", "See which images it would learn from")
        st.space("medium")


def listing() -> None:
    """Draw the search box and the table; run again by itself while a run is under way."""
    rows = store().runs()
    if not rows:
        st.rerun()
    sweep_links(rows)
    wanted = st.text_input(
        "Search",
        key="search",
        type="search",
        live="200ms",
        placeholder="Search name, model, status, data",
        label_visibility="collapsed",
        width=340,
    )
    shown = [row for row in rows if matches(row, wanted or "")]
    if not shown:
        nothing_found(len(rows))
        return
    actions = st.container(horizontal=True, vertical_alignment="center", height=42, border=False)
    # a selection is kept by place, so it must not outlive a change of the list
    key = f"table {hash(tuple(row.id for row in shown))}"
    seen = st.dataframe(
        table(shown),
        key=key,
        hide_index=True,
        on_select="rerun",
        selection_mode="multi-row",
        row_height=40,
        placeholder="",
        column_config=columns(shown, key),
        alt="All runs, newest first",
    )
    chosen = [shown[place].id for place in seen["selection"]["rows"] if place < len(shown)]
    with actions:
        if chosen:
            selection_actions(chosen)
        else:
            st.caption(counted(rows, shown))


def matches(row: RunRow, wanted: str) -> bool:
    """Tell whether every word that was typed occurs in the row."""
    text = f"#{row.number} {row.name} {row.id} {row.model} {row.optimizer} {row.state} "
    text += f"{row.reason} {row.data_title} {theme.title(row.model)} {row.sweep} "
    text += KINDS[row.kind].title
    return all(word in text.lower() for word in wanted.lower().split())


def counted(rows: Sequence[RunRow], shown: Sequence[RunRow]) -> str:
    """Say how many runs there are and how many of them train now."""
    if len(shown) < len(rows):
        return f"{len(shown)} of {theme.plural(len(rows), 'run')} shown"
    live = sum(STATES[row.state].is_live for row in rows)
    return theme.plural(len(rows), "run") + (f", {live} under way" if live else "")


def nothing_found(count: int) -> None:
    """Say that the search hides everything, and offer the way out."""
    st.caption(f"0 of {theme.plural(count, 'run')} shown.")
    st.button("Clear the search", key="clear", on_click=clear_search)


def clear_search() -> None:
    """Empty the search box."""
    st.session_state["search"] = ""


def selection_actions(ids: Sequence[str]) -> None:
    """Draw what can be done with the selected runs."""
    if len(ids) == 1:
        if st.button("Open", icon=":material/open_in_full:", key="open"):
            go("run", id=number_of(ids[0]))
        if st.button("Clone", icon=":material/content_copy:", key="clone"):
            go("new_run", clone=number_of(ids[0]))
    if st.button("Delete", icon=":material/delete:", key="delete", on_click=delete, args=(ids,)):
        st.rerun()


def number_of(id_: str) -> str:
    """Return the number that an id begins with."""
    return id_.split("-", 1)[0]


def table(rows: Sequence[RunRow]) -> pd.DataFrame:
    """Lay the rows out as people compare them."""
    frame = pd.DataFrame(
        {
            "number": [row.number for row in rows],
            "name": [theme.short(row.name, 24) for row in rows],
            "best": [share(row.best_val_accuracy) for row in rows],
            "state": [[status_word(row), *kind_word(row), *damage_word(row)] for row in rows],
            "epoch": [epoch_words(row) for row in rows],
            "test": [share(row.test_accuracy) for row in rows],
            "curve": [row.sparkline or None for row in rows],
            "model": [theme.title(row.model) for row in rows],
            "data": [row.data_title for row in rows],
            "time": [theme.duration(row.seconds) if row.seconds else "" for row in rows],
        }
    )
    if any(row.sweep for row in rows):
        frame.insert(3, "sweep", [number_of(row.sweep) for row in rows])
    return frame


def status_word(row: RunRow) -> str:
    """Return the state's title; a failure's comes with its reason."""
    return STATES[row.state].title


def kind_word(row: RunRow) -> list[str]:
    """Return what the run is for, unless it trains."""
    return [] if row.kind == TRAINING else [KINDS[row.kind].title]


def damage_word(row: RunRow) -> list[str]:
    """Return a word for a run of which a file is damaged; its page says which."""
    return [DAMAGED] if row.damaged else []


def share(value: float | None) -> float | None:
    """Return a share as a percentage."""
    return None if value is None else 100 * value


def epoch_words(row: RunRow) -> str:
    """Say which epoch was the best, and how many there are."""
    if row.kind != TRAINING:
        return f"rate {row.suggested_rate:g}" if row.suggested_rate else ""
    if row.best_epoch is None:
        return f"{row.epochs_done} of {row.epochs}"
    return f"{row.best_epoch} of {row.epochs}"


def columns(rows: Sequence[RunRow], key: str) -> dict[str, Any]:
    """Describe the columns of the table."""
    config = st.column_config
    plain = all(row.kind == TRAINING and not row.damaged for row in rows)
    wide = 96 if plain else 190  # room for the kind
    titles = [state.title for state in STATES.values()] + [kind.title for kind in KINDS.values()]
    paints = [theme.ICONS[state.key][0] for state in STATES.values()] + ["violet"] * len(KINDS)
    titles, paints = [*titles, DAMAGED], [*paints, "red"]
    return {
        "number": config.NumberColumn("#", width=44, pinned=True, format="%d"),
        "name": config.ButtonColumn(
            "Name",
            type="tertiary",
            alignment="left",
            width=165,
            key=f"open {key}",
            on_click=open_clicked,
            args=(f"open {key}", [row.number for row in rows]),
        ),
        "state": config.MultiselectColumn("Status", options=titles, color=paints, width=wide),
        "best": config.NumberColumn(
            "Best val.",
            help="The highest validation accuracy of all epochs.",
            format="%.1f %%",
            width=84,
        ),
        "epoch": config.TextColumn("At epoch", width=84),
        "test": config.NumberColumn(
            "Test", help="Accuracy on the test images.", format="%.1f %%", width=74
        ),
        "sweep": config.TextColumn("Sweep", width=60, help="The sweep that it belongs to."),
        "curve": config.LineChartColumn(
            "Course", y_min=0, y_max=1, width=110, help="Validation accuracy by epoch."
        ),
        "model": config.TextColumn("Model"),
        "data": config.TextColumn("Data"),
        "time": config.TextColumn("Time", help="Spent training.", width=96),
    }


def open_clicked(key: str, numbers: Sequence[int]) -> None:
    """Open the run whose name was clicked."""
    click = st.session_state[key]
    if click is not None and click["row"] < len(numbers):
        go("run", id=numbers[click["row"]])
