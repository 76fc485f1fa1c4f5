"""Deleting runs reversibly: the trash, and the bar that undoes the last deletion."""

from collections.abc import Sequence

import streamlit as st

from app import boundary, theme
from app.boundary import attempt
from app.session import Key, remember, remembered, store
from cifar_core.people import ADMIN
from cifar_core.runs import RunRow


def undo_bar() -> None:
    """Offer to undo the last deletion."""
    ids: list[str] = remembered(Key.DELETED, [])
    if not ids:
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="undo_bar"):
        name = ids[0] if len(ids) == 1 else f"{len(ids)} runs"
        st.markdown(f"Moved {name} to the trash.")
        st.space("stretch")
        st.button(
            "Undo",
            icon=":material/undo:",
            key="undo",
            on_click=boundary.callback(restore),
            args=(ids,),
        )
        st.button(
            "Dismiss", type="tertiary", key="dismiss", on_click=remember, args=(Key.DELETED, [])
        )


def restore(ids: Sequence[str]) -> None:
    """Restore runs from the trash."""
    for id_ in ids:
        try:
            store().restore(id_)
        except boundary.REFUSED as error:
            boundary.toast(error)
    remember(Key.DELETED, [])


def delete(ids: Sequence[str]) -> list[str]:
    """Move runs to the trash, remember them for undo, and return which could be moved."""
    deleted = []
    for id_ in ids:
        try:
            store().delete(store().run(id_))
            deleted.append(id_)
        except boundary.REFUSED as error:
            boundary.toast(error)
    remember(Key.DELETED, deleted)
    return deleted


def trash_table(rows: Sequence[RunRow]) -> None:
    """Draw the deleted runs, which can be restored or deleted permanently."""
    st.caption("Deleted runs keep their curves and weights here until the trash is emptied.")
    for row in rows:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            st.markdown(f"**#{row.number}** {theme.safe(row.name)}")
            best = theme.percent(row.best_val_accuracy)
            pin = ". Pinned, so it stays until it is restored and unpinned" if row.pinned else ""
            st.caption(f"{row.model_title}, validation accuracy {best} in its best epoch{pin}")
            st.space("stretch")
            st.button(
                "Restore",
                key=f"restore {row.id}",
                icon=":material/undo:",
                on_click=boundary.callback(restore),
                args=([row.id],),
            )
    removable = sum(not row.pinned for row in rows)
    if store().by.may(ADMIN) and st.button(
        "Empty the trash", key="empty", icon=":material/delete_forever:", disabled=not removable
    ):
        confirm_emptying(removable)


@boundary.dialog("Empty the trash")
def confirm_emptying(count: int) -> None:
    """Ask for confirmation, since this cannot be undone."""
    st.markdown(
        f"{theme.plural(count, 'run')} with all curves and weights will be deleted permanently."
    )
    if st.button("Delete permanently", type="primary", key="empty_now"):
        remember(Key.DELETED, [])
        attempt(lambda: store().empty_trash(older_than_days=0))
