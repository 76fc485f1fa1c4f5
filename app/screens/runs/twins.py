"""Runs that share a number, as after a folder was copied by hand, and giving one another number."""

from collections.abc import Callable

import streamlit as st

from app import theme
from app.boundary import attempt
from app.session import store
from cifar_core.people import OPERATOR
from cifar_core.runs import Run


def twins_bar() -> None:
    """Name the runs that share a number, and offer each of them the next free one."""
    for twins in store().twins():
        with st.container(border=True):
            st.markdown(f":material/warning: {theme.safe(twins.sentence)}")
            if not store().by.may(OPERATOR):
                continue
            for path in twins.folders:
                place = f"{path.parent.name}/{path.name}"
                if st.button(f"Give {theme.safe(place)} the next number", key=f"renumber {place}"):
                    attempt(numbering(Run(path)))


def numbering(run: Run) -> Callable[[], None]:
    """Return what gives a run of the list or of the trash the next free number."""

    def act() -> None:
        if run.path.parent.name == "trash":
            store().restore(run, renumber=True)
        else:
            store().give_number(run)

    return act
