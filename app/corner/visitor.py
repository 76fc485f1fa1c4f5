"""Who is visiting, in which role, and the way out; nothing where only the machine decides."""

import streamlit as st

from app import theme
from app.access.admission import from_proxy, person
from app.access.login import has_login


def visitor() -> None:
    """Draw the visitor's name; a click shows the role and a button to log out."""
    if not (has_login() or from_proxy()):
        return
    who = person()
    name = theme.short(who.name, 24)
    with st.popover(theme.safe(name), icon=":material/person:", type="tertiary", key="visitor"):
        st.markdown(f"{theme.safe(who.name)}, {who.role.title.lower()}")
        st.caption(who.role.summary)
        if has_login():
            st.button("Log out", icon=":material/logout:", key="logout", on_click=st.logout)
