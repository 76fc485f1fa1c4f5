"""The runs that failed since yesterday: when, why, and what a click does about it."""

from collections.abc import Sequence
from functools import partial

import streamlit as st

from app import boundary, theme
from app.navigation import link
from app.screens.queue.remedies import PAGE, Remedy, remedies, take
from app.screens.queue.waiting import may_change
from app.session import store
from cifar_core.people import OPERATOR
from cifar_core.runs import FAILURES, Run, RunRow, RunStatus
from cifar_core.runs.store.queue.seen_failures import dismiss, lately_failed

MOST = 3  # failures that are shown one by one


def failures(rows: Sequence[RunRow]) -> None:
    """Draw what failed and was not dismissed; nothing if there is none."""
    failed = lately_failed(store().root, rows, store().by.name)
    if not failed:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader("Failed since yesterday", anchor=False, width="content")
        if len(failed) > 1 and store().by.may(OPERATOR):
            st.button("Dismiss all", key="dismiss all", type="tertiary",
                      on_click=boundary.callback(partial(hide, failed)))  # fmt: skip
    for row in failed[:MOST]:
        failed_run(row)
    if len(failed) > MOST:
        others = theme.plural(len(failed) - MOST, "other")
        link("runs", f"and {others}", ":material/list:", search="state:failed")


def failed_run(row: RunRow) -> None:
    """Draw one failure."""
    run = store().run(row.id)
    status = run.status
    with st.container(
        border=True, horizontal=True, vertical_alignment="center", gap="small",
        key=f"failed-{row.id}",
    ):  # fmt: skip
        with st.container(width="stretch", gap=None, key=f"why-failed-{row.id}"):
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.badge(title_of(row), icon=":material/error:", color="red")
                with st.container(width="content", key=f"link-failed-{row.id}"):
                    link("run", f"#{row.number} {theme.safe(row.name)}", id=row.number)
                owner = theme.safe(row.owner) if row.owner not in ("", store().by.name) else ""
                when = theme.clock(row.ended_at or 0)
                st.caption(", ".join(filter(None, [owner, when])), width="content")
            st.caption(theme.safe(row.message))
        buttons(run, status, row)


def title_of(row: RunRow) -> str:
    """Return the kind of a failure."""
    return FAILURES[row.reason].title if row.reason in list(FAILURES) else "Failed"


def buttons(run: Run, status: RunStatus, row: RunRow) -> None:
    """Draw what may be done about a failure, and Dismiss."""
    if not store().by.may(OPERATOR):
        return
    for remedy in remedies(run, status):
        if remedy.kind == PAGE:
            link(remedy.page, remedy.label, f":material/{remedy.icon}:", **remedy.query)
        elif remedy.kind != "resume" or may_change(row):
            remedy_button(run, remedy)
    st.button("Dismiss", icon=":material/close:", type="tertiary", key=f"dismiss {row.id}",
              on_click=boundary.callback(partial(hide, [row])))  # fmt: skip


def remedy_button(run: Run, remedy: Remedy) -> None:
    """Draw a button that takes a remedy."""

    def do() -> None:
        st.toast(take(run, remedy.kind))

    st.button(remedy.label, icon=f":material/{remedy.icon}:", key=f"{remedy.kind} {run.id}",
              on_click=boundary.callback(do))  # fmt: skip


def hide(rows: Sequence[RunRow]) -> None:
    """Do not show these failures to the visitor again."""
    dismiss(store().root, rows, store().by.name)
