"""What is found about the labels of a set and waits for a person: columns, or a pattern."""

from pathlib import Path

import streamlit as st
from msgspec.structs import replace

from app import boundary
from app.screens.data.one_set.reading_options import (
    columns_words,
    decide,
    labels_of,
    reading_options,
)
from app.screens.data.one_set.view import View
from app.session import store
from cifar_core.data import DataStatus
from cifar_core.data.options import options_of
from cifar_core.people import OPERATOR
from cifar_core.runs.store import image_sets


def found_columns(view: View) -> None:
    """Say which columns of a table gave the labels, until a person has confirmed that."""
    one, columns = view.one, view.details.found.columns if view.details else {}
    if not columns or one.kind != "folder" or not may_decide(one):
        return
    if options_of(store().root, one.source).confirmed:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="found-columns"):
        st.markdown(columns_words(columns), width="content")
        st.button(
            "That is right", key="confirm", type="tertiary", icon=":material/check:",
            on_click=boundary.callback(image_sets.confirm), args=(store(), one.source),
        )  # fmt: skip
        if st.button("Change", key="change columns", type="tertiary", icon=":material/tune:"):
            reading_options(one)


def pattern_form(one: DataStatus, refusal: str) -> None:
    """Offer the pattern that the names of a refused set fit, if there is one."""
    root = store().root
    # the listing of a large archive takes long: only where the refusal is about the classes
    if "{class}" not in refusal or not may_decide(one):
        return
    pattern = known_pattern(one.source, str(root), refusal)
    if not pattern:
        return
    with st.form("use pattern", border=False):
        text = st.text_input("Pattern of the file names", pattern, key="use pattern text")
        sent = st.form_submit_button("Use this pattern", type="primary")
    if sent:
        chosen = replace(options_of(root, one.source), pattern=(text or "").strip())
        boundary.attempt(lambda: decide(one, chosen))


@st.cache_data(max_entries=32, ttl=600, show_spinner=False)
def known_pattern(source: str, root: str, refusal: str) -> str:
    """Return the proposed pattern of a set that was refused with these words."""
    return labels_of(source, Path(root))[1]


def may_decide(one: DataStatus) -> bool:
    """Whether this person may decide how a set is read."""
    return store().by.may(OPERATOR, image_sets.owner_of(store(), one.source))
