"""Doing what a person asked for, or showing why it is refused."""

from collections.abc import Callable

import streamlit as st

from app import boundary


def attempt(act: Callable[[], object]) -> None:
    """Do something and redraw the page, or show why it cannot be done."""
    try:
        act()
    except boundary.REFUSED as error:
        boundary.toast(error)
    else:
        st.rerun()
