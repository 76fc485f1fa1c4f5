"""The actions on the runs that are ticked on the Runs page, all at once."""

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from app import boundary, theme
from app.navigation import go
from app.screens.runs.trash import delete
from app.session import store
from app.shared.run_export import run_downloads
from cifar_core.people import OPERATOR
from cifar_core.report.document import MOST_RUNS
from cifar_core.runs import CURVES, TRAINING, Run, RunRow
from cifar_core.runs.record import marks
from cifar_core.runs.record.run import RESUMABLE
from cifar_core.runs.record.status import is_under_way

MOST_COMPARED = 9


def bulk_actions(rows: Sequence[RunRow]) -> None:
    """Draw the buttons that fit the ticked runs and the visitor's role."""
    allowed = store().by.may(OPERATOR)
    if len(rows) == 1:
        if st.button("Open", icon=":material/open_in_full:", key="open"):
            go("run", id=rows[0].number)
        if (
            allowed
            and rows[0].kind != CURVES
            and st.button("Clone", icon=":material/content_copy:", key="clone")
        ):
            go("train", clone=rows[0].number)
    elif len(rows) <= MOST_COMPARED:
        numbers = ",".join(str(row.number) for row in rows)
        if st.button("Compare", icon=":material/compare_arrows:", key="compare"):
            go("compare", runs=numbers)
    measured = [str(row.number) for row in rows if row.epochs_done and row.kind == TRAINING]
    if 0 < len(measured) <= MOST_RUNS and st.button(
        "Report", icon=":material/description:", key="report"
    ):
        go("report", runs=",".join(measured))
    with st.popover("Export", icon=":material/download:"):
        run_downloads([Run(store().root / "runs" / row.id) for row in rows])
    if allowed:
        changes(rows)


def changes(rows: Sequence[RunRow]) -> None:
    """Draw the buttons that change the ticked runs."""
    with st.popover("Tags", icon=":material/sell:"):
        tag_form(rows)
    live = [row for row in rows if is_under_way(row.state, row.reason)]
    if live:
        with st.popover("Stop", icon=":material/stop_circle:"):
            st.caption(f"{theme.plural(len(live), 'run')}; saved checkpoints are kept.")
            act("After this epoch", "flag", live, lambda run: run.stop("epoch"))
            act("Now, with a checkpoint", "save", live, lambda run: run.stop("now"))
    if resumable := [row for row in rows if row.state in RESUMABLE]:
        act("Resume", "play_arrow", resumable[::-1], lambda run: run.resume())
    ids = [row.id for row in rows]
    if st.button("Delete", icon=":material/delete:", key="delete") and delete(ids):
        st.rerun()  # the whole page, which offers to undo it


def act(label: str, icon: str, rows: Sequence[RunRow], do: Callable[[Run], Any]) -> None:
    """Draw a button that applies an action to each of the runs."""
    if st.button(label, icon=f":material/{icon}:", key=f"bulk {label}"):
        apply_to_all(rows, do)
        st.rerun()


def apply_to_all(rows: Sequence[RunRow], do: Callable[[Run], Any]) -> None:
    """Apply an action to each run; an error of one is shown, and the others follow."""
    for row in rows:
        try:
            do(store().run(row.id))
        except boundary.REFUSED as error:
            boundary.toast(error)


def tag_form(rows: Sequence[RunRow]) -> None:
    """Ask for tags to add to the runs, or to remove from them."""
    with st.form("bulk_tags", border=False, clear_on_submit=True):
        words = st.text_input("Tags", placeholder="lab week-3", key="bulk_tags_words")
        with st.container(horizontal=True):
            add = st.form_submit_button("Add", icon=":material/add:", key="bulk_tags_add")
            remove = st.form_submit_button(
                "Remove", icon=":material/remove:", key="bulk_tags_remove"
            )
    wanted = (words or "").replace(",", " ").split()
    if add and wanted:
        apply_to_all(rows, lambda run: marks.tag(run, wanted))
        st.rerun()
    if remove and wanted:
        apply_to_all(rows, lambda run: marks.untag(run, wanted))
        st.rerun()
    if present := sorted({tag for row in rows for tag in row.tags}):
        st.caption(f"Current tags: {theme.safe(', '.join(present))}")
