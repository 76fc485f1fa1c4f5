"""Star, pin, tags and note of a run, drawn under its name and edited there."""

import streamlit as st

from app import theme
from app.shared.attempt import attempt
from cifar_core.people import OPERATOR
from cifar_core.runs import Run
from cifar_core.runs.record import marks

NARROW_WIDTH = 340
WHY = "A pinned run and its checkpoints are never deleted automatically."


def run_marks(run: Run) -> None:
    """Draw a run's star, pin, tags and note, which a click changes."""
    about = run.about
    tags, note, starred = about.tags, about.note, about.starred
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        icon = ":material/star:" if starred else ":material/star_outline:"
        label = "Starred" if starred else "Star"
        may_change = run.by.may(OPERATOR, run.owner)
        if st.button(label, icon=icon, type="tertiary", key="star", disabled=not may_change):
            attempt(lambda: marks.star(run, not starred))
        pinned = run.is_pinned
        if st.button(
            "Pinned" if pinned else "Pin", icon=theme.PIN, type="tertiary", key="pin",
            disabled=not may_change, help=WHY,
        ):  # fmt: skip
            attempt(lambda: marks.pin(run, not pinned))
        for tag in tags:
            st.badge(theme.safe(tag), color="gray")
        if may_change:
            with st.popover("Tags and note", icon=":material/sell:", type="tertiary"):
                edit(run, tags, note)
        if origin := about.imported:
            st.caption(f"Imported; originally run {theme.safe(origin.run)}")
    if note:
        with st.container(border=True):
            st.markdown(theme.note(note))


def edit(run: Run, tags: list[str], note: str) -> None:
    """Ask for tags and a note."""
    with st.form("marks", border=False):
        words = st.text_input(
            "Tags", " ".join(tags), placeholder="lab week-3", key=f"tags {run.id} {tags}"
        )
        text = st.text_area(
            "Note", note, height=140, max_chars=marks.LONGEST_NOTE, key=f"note {run.id}",
            placeholder="Markdown", width=NARROW_WIDTH,
        )  # fmt: skip
        if st.form_submit_button("Save", key="save_marks"):
            attempt(lambda: save(run, words or "", text or ""))


def save(run: Run, words: str, text: str) -> None:
    """Save both; RunError if one of them is not valid."""
    marks.retag(run, words.replace(",", " ").split())
    marks.write_note(run, text)
