"""The last step: the name of a set, under which everyone who may train finds it."""

import streamlit as st

from app.navigation import go
from app.screens.data.own.steps import LOOK, act, turn_to
from app.session import store
from cifar_core.data.uploads import sets


def naming(name: str) -> None:
    """Take the name of an uploaded set, and open its page."""
    found = sets.one(store().root, name)
    with st.form("name", border=False):
        title = st.text_input("Name of this set", value=found.title, key="set_title")
        is_sent = st.form_submit_button("Open this set", type="primary")
    st.caption("Everyone who may start runs in this lab can train on it.")
    if is_sent:
        with store().action("upload images", "named the upload", title, owner=found.owner):
            sets.name_it(store().root, found, title)
        turn_to("drop")
        go("data", set=found.source(store().root))
    act("Back", lambda name: turn_to(LOOK, name), name)
