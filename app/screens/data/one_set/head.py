"""The top of a data set's page: its title, whether it can be trusted, and its actions."""

import streamlit as st

from app import theme
from app.navigation import go
from app.screens.data.one_set.duplicates import found_in
from app.screens.data.one_set.menu import menu
from app.screens.data.one_set.view import View
from app.session import store
from cifar_core.data import DataStatus
from cifar_core.data.review.trust import Facts, trust
from cifar_core.people import OPERATOR


def heading(one: DataStatus, *, usable: bool) -> None:
    """Draw the title, and what can be done with the images; `usable` means a run can start."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header(theme.safe(one.title), anchor=False, width="content")
        if one.default:
            st.badge("Used by default", color="blue")
        st.space("stretch")
        if usable and store().by.may(OPERATOR) and st.button(
            "Train on these images", type="primary", icon=":material/play_circle:", key="train"
        ):  # fmt: skip
            go("train", data=one.source)
        menu(one)


def standing(view: View) -> None:
    """Say in one sentence whether the images can be trusted."""
    found = found_in(view)
    facts = Facts(
        counts=view.counts,
        unreadable=view.unreadable,
        ignored=view.ignored,
        leaked=found.leaked if found else None,
        nearly=found.nearly if found else None,
        conflicting=found.conflicting if found else None,
    )
    st.markdown(theme.safe(trust(facts)))
