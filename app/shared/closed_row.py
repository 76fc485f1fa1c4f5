"""A closed row that states what is in it, and draws its contents only while it is open."""

from collections.abc import Callable

import streamlit as st


def closed_row(
    key: str, title: str, says: str, draw: Callable[[], object], *, opened: bool = False
) -> None:
    """Draw a row; `says` is Markdown and stands beside the title (page.css), also while it is open.

    It stands outside the title, because a row with another title would be another row, which closes
    and loses the focus. `opened` opens the row, for instance because something in it is wrong.
    """
    state = f"row.{key}"
    if opened:
        st.session_state[state] = True
    with st.container(key=f"closed-row-{key}", gap=None):
        box = st.expander(f"**{title}**", key=state, on_change="rerun")
        st.caption(says)
    if box.open:
        with box:
            draw()
