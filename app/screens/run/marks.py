"""Star, pin, tags and note of a run, drawn under its name and edited there."""

import streamlit as st

from app import theme
from app.boundary import attempt
from app.shared import edited
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
    edited.conflict(note_box(run), lambda text, was: marks.write_note(run, text, was=was),
                    between="\n\n", longest=marks.LONGEST_NOTE, none="No note")  # fmt: skip
    if note:
        with st.container(border=True):
            st.markdown(theme.note(note))


def note_box(run: Run) -> str:
    """Return the key of the box for a run's note."""
    return f"note {run.id}"


def edit(run: Run, tags: list[str], note: str) -> None:
    """Ask for tags and a note."""
    tags_key, note_key = f"tags {run.id}", note_box(run)
    had_tags, had_note = edited.begun(tags_key, " ".join(tags)), edited.begun(note_key, note)
    with st.form("marks", border=False):
        words = st.text_input("Tags", placeholder="lab week-3", key=tags_key)
        text = st.text_area(
            "Note", height=140, max_chars=marks.LONGEST_NOTE, key=note_key,
            placeholder="Markdown", width=NARROW_WIDTH,
        )  # fmt: skip
        if st.form_submit_button("Save", key="save_marks"):
            wanted = (words or "").replace(",", " ").split()
            kept = edited.save(
                tags_key, lambda: marks.retag(run, wanted, was=had_tags.split())
            ) and edited.save(note_key, lambda: marks.write_note(run, text or "", was=had_note))
            if kept or edited.is_open(note_key):
                st.rerun()
