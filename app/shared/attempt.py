"""Doing what a person asked for, and showing why not where it is refused."""

from collections.abc import Callable

import streamlit as st

from cifar_core.errors import CifarError


def attempt(act: Callable[[], None]) -> None:
    """Do something and draw the page anew, or say why it cannot be done."""
    try:
        act()
    except CifarError as error:
        st.toast(str(error), icon=":material/error:")
    else:
        st.rerun()
