"""Tabs that the address names, of which only the open one is drawn."""

from collections.abc import Mapping

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.session import Key, remember, remembered
from app.shared.address import keep_in_address

PARAMETER = "tab"


def tab_bar(titles: Mapping[str, str], *, of: str) -> tuple[str, DeltaGenerator]:
    """Draw tabs and return the name of the open one, with the container below its title.

    The first is open unless the address says otherwise. `of` is what the tabs belong to:
    another one begins with its own first tab.
    """
    first, names = next(iter(titles)), {title: name for name, title in titles.items()}
    key, asked = f"tab {of}", st.query_params.get(PARAMETER, first)
    wanted = titles[open_tab(titles, of=of)]
    if st.session_state.get(key) != wanted:
        st.session_state[key] = wanted
    tabs = st.tabs(list(names), key=key, on_change="rerun")
    name, box = next(
        ((names[title], tab) for title, tab in zip(names, tabs, strict=True) if tab.open),
        (first, tabs[0]),
    )
    if asked in titles or name != first:
        keep_in_address(PARAMETER, name, first)
        remember(Key.TAB, (of, name))
    return name, box


def open_tab(titles: Mapping[str, str], *, of: str) -> str:
    """Return the name of the tab that `tab_bar` will draw open, for what stands above it."""
    first = next(iter(titles))
    asked = st.query_params.get(PARAMETER, first)
    if asked in titles and (of, asked) != remembered(Key.TAB):  # a link, or the browser's Back
        return asked
    title = st.session_state.get(f"tab {of}")
    return next((name for name, words in titles.items() if words == title), first)
