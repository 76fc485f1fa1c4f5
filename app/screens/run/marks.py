"""Star, pin, tags and note of a run: drawn under its name, changed in its menu."""

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
    """Draw what a person has marked a run with, if anything."""
    about = run.about
    pinned = run.is_pinned
    from_us = about.imported if about.imported and not about.imported.tool else None
    if about.starred or pinned or about.tags or from_us:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            if about.starred:
                st.badge("Starred", icon=":material/star:", color="orange")
            if pinned:
                st.badge("Pinned", icon=theme.PIN, color="gray", help=WHY)
            for tag in about.tags:
                st.badge(theme.safe(tag), color="gray")
            if from_us:
                st.caption(f"Imported; originally run {theme.safe(from_us.run)}")
    edited.conflict(note_box(run), lambda text, was: marks.write_note(run, text, was=was),
                    between="\n\n", longest=marks.LONGEST_NOTE, none="No note")  # fmt: skip
    if about.note:
        with st.container(border=True):
            st.markdown(theme.note(about.note))


def marks_menu(run: Run) -> None:
    """Draw the controls for star, pin, tags and note; nothing for those who may not change them."""
    if not run.by.may(OPERATOR, run.owner):
        return
    about, pinned = run.about, run.is_pinned
    with st.container(horizontal=True, gap="small"):
        icon = ":material/star:" if about.starred else ":material/star_outline:"
        label = "Remove the star" if about.starred else "Star"
        if st.button(label, icon=icon, type="tertiary", key="star"):
            attempt(lambda: marks.star(run, not about.starred))
        label = "Unpin" if pinned else "Pin"
        if st.button(label, icon=theme.PIN, type="tertiary", key="pin", help=WHY):
            attempt(lambda: marks.pin(run, not pinned))
    edit(run, about.tags, about.note)


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
