"""Deleting runs without fear: the trash, and the bar that takes the last deletion back."""

from collections.abc import Sequence

import streamlit as st

from app import theme
from app.session import Key, remember, remembered, store
from cifar_core.errors import CifarError
from cifar_core.people import ADMIN
from cifar_core.runs import RunRow


def undo_bar() -> None:
    """Offer to take back the last deletion."""
    ids: list[str] = remembered(Key.DELETED, [])
    if not ids:
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="undo_bar"):
        what = ids[0] if len(ids) == 1 else f"{len(ids)} runs"
        st.markdown(f"Moved {what} to the trash.")
        st.space("stretch")
        st.button("Undo", icon=":material/undo:", key="undo", on_click=restore, args=(ids,))
        st.button(
            "Dismiss", type="tertiary", key="dismiss", on_click=remember, args=(Key.DELETED, [])
        )


def restore(ids: Sequence[str]) -> None:
    """Take runs back from the trash."""
    for id_ in ids:
        try:
            store().restore(id_)
        except CifarError as error:
            st.toast(str(error), icon=":material/error:")
    remember(Key.DELETED, [])


def delete(ids: Sequence[str]) -> None:
    """Move runs to the trash and remember them for the undo."""
    gone = []
    for id_ in ids:
        try:
            store().delete(store().run(id_))
            gone.append(id_)
        except CifarError as error:
            st.toast(str(error), icon=":material/error:")
    remember(Key.DELETED, gone)


def trash_table(rows: Sequence[RunRow]) -> None:
    """Draw the deleted runs, which can be restored or deleted for good."""
    st.caption("Deleted runs keep their curves and weights here until the trash is emptied.")
    for row in rows:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            st.markdown(f"**#{row.number}** {theme.safe(row.name)}")
            best = theme.percent(row.best_val_accuracy)
            kept = ". Pinned, so it stays until it is restored and unpinned" if row.pinned else ""
            st.caption(f"{theme.title(row.model)}, best validation accuracy {best}{kept}")
            st.space("stretch")
            st.button(
                "Restore",
                key=f"restore {row.id}",
                icon=":material/undo:",
                on_click=restore,
                args=([row.id],),
            )
    free = sum(not row.pinned for row in rows)
    if store().by.may(ADMIN) and st.button(
        "Empty the trash", key="empty", icon=":material/delete_forever:", disabled=not free
    ):
        confirm_emptying(free)


@st.dialog("Empty the trash")
def confirm_emptying(count: int) -> None:
    """Ask before anything is deleted for good."""
    st.markdown(
        f"{theme.plural(count, 'run')} with all curves and weights will be deleted for good."
    )
    if st.button("Delete for good", type="primary", key="empty_now"):
        store().empty_trash(older_than_days=0)
        remember(Key.DELETED, [])
        st.rerun()
