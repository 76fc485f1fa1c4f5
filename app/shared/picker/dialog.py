"""The dialog of a picker. Search, filters and arrow keys work in the browser, without the server.

    if st.button("Change"):
        pick("network", "Choose a network", groups)
    if key := picked("network"):
        ...  # in the run of the page after the choice, once

The page is drawn again when a card has been chosen; Esc leaves everything as it was.
"""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from app import boundary
from app.shared.picker.cards import Filter, Group, payload

HERE = Path(__file__).parent

_mount = st.components.v2.component(
    "cifar_lab.picker",
    html="<div class='picker'></div>",
    css=(HERE / "picker.css").read_text("utf-8"),
    js=(HERE / "picker.js").read_text("utf-8"),
)


def pick(
    key: str,
    title: str,
    groups: Sequence[Group],
    *,
    filters: Sequence[Filter] = (),
    chosen: str = "",
    label: str = "Use",
    search: str = "Search",
    note: str = "",
) -> None:
    """Open a dialog of cards; `picked(key)` returns the choice when the page is drawn again.

    `chosen` is the card that is marked at first, `label` the verb on the button, `search` the
    words in the empty search box, and `note` a sentence at the foot.
    """
    data = {**payload(groups, filters, chosen), "label": label, "search": search, "note": note}

    def cards() -> None:
        picked_now = _mount(
            key=f"picker.{key}", data=data, height="content", on_chosen_change=lambda: None
        ).chosen
        if picked_now:
            st.session_state[slot(key)] = picked_now
            st.rerun()

    boundary.dialog(title, width="large")(cards)()


def picked(key: str) -> str | None:
    """Return the key of the card that was chosen in a picker, the first time it is asked for."""
    choice: str | None = st.session_state.pop(slot(key), None)
    return choice


def slot(key: str) -> str:
    """Return the name under which the session remembers a choice."""
    return f"picked.{key}"
