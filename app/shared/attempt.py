"""Doing what a person asked for, or showing why it is refused."""

from collections.abc import Callable

import streamlit as st

from cifar_core.errors import CifarError


def attempt(act: Callable[[], object]) -> None:
    """Do something and redraw the page, or show why it cannot be done."""
    try:
        act()
    except CifarError as error:
        st.toast(str(error), icon=":material/error:")
    else:
        st.rerun()
