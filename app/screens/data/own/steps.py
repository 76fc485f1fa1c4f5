"""The steps of the dialog, and which of them a session is at."""

from collections.abc import Callable

import streamlit as st

from app import boundary
from app.session import Key, remember, remembered, store
from cifar_core.data.uploads import sets
from cifar_core.data.uploads.sets import UploadedSet
from cifar_core.people import OPERATOR

DROP, CLASSES, LOOK, NAME = "drop", "classes", "look", "name"
TITLES = {DROP: "1 Drop", LOOK: "2 Look", NAME: "3 Name"}


def step() -> tuple[str, str]:
    """Return the step that the dialog is at, and the name of the uploaded set that it is about."""
    found: tuple[str, str] = remembered(Key.UPLOAD_STEP, (DROP, ""))
    return found


def turn_to(name: str, of: str = "") -> None:
    """Let the dialog draw another step when it is drawn next."""
    remember(Key.UPLOAD_STEP, (name, of))


def show_now(name: str, of: str = "") -> None:
    """Draw another step of the dialog at once."""
    turn_to(name, of)
    st.rerun(scope="fragment")


def steps(now: str) -> None:
    """Draw where in the dialog a person is."""
    words = [f"**{title}**" if key == now else title for key, title in TITLES.items()]
    st.caption(" \u203a ".join(words))


def act(label: str, does: Callable[[str], None], name: str, *, main: bool = False) -> None:
    """Draw a button that does something with an uploaded set."""
    st.button(
        label, key=f"{label} {name}", type="primary" if main else "secondary",
        on_click=boundary.callback(does), args=(name,),
    )  # fmt: skip


def discard(name: str) -> None:
    """Delete an uploaded set that has no name yet, and return to the first step."""
    found = sets.one(store().root, name)
    with store().action(
        "discard an upload", "discarded the upload of", found.title, owner=found.owner
    ):
        sets.discard(store().root, found)
    turn_to(DROP)


def first() -> tuple[str, str]:
    """Return the step to begin with: a set that has arrived and that no one has seen."""
    name = store().by.name
    for found in mine():
        if found.owner == name and not (found.kept or found.seen or found.by_class):
            return LOOK, found.name
    return DROP, ""


def mine() -> list[UploadedSet]:
    """Return the uploaded sets that this person may change, the one changed last first."""
    by = store().by
    return [found for found in sets.uploaded(store().root) if by.may(OPERATOR, found.owner)]
