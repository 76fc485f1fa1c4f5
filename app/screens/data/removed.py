"""Data sets that were removed: the bar that undoes the last removal, and the list of all."""

import streamlit as st

from app import boundary, theme
from app.session import Key, remember, remembered, store
from cifar_core.data.listing import title_of
from cifar_core.people import OPERATOR
from cifar_core.runs.store import image_sets


def undo_bar() -> None:
    """Offer to undo the last removal."""
    source = remembered(Key.REMOVED_SET, "")
    if not source:
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="undo_bar"):
        st.markdown(f"Removed {theme.safe(title_of(source, store().root))}.")
        st.space("stretch")
        st.button("Undo", icon=":material/undo:", key="undo", on_click=boundary.callback(restore),
                  args=(source,))  # fmt: skip
        st.button("Dismiss", type="tertiary", key="dismiss",
                  on_click=boundary.callback(remember), args=(Key.REMOVED_SET, ""))  # fmt: skip


def removed_sets() -> None:
    """List the removed sets, one click away; nothing if there are none."""
    sets = [
        one
        for one in image_sets.removed(store())
        if store().by.may(OPERATOR, image_sets.owner_of(store(), one.source))
    ]
    if not sets:
        return
    with st.popover(f"Removed ({len(sets)})", icon=":material/delete:", type="tertiary"):
        st.caption(
            "Folders and archives elsewhere were not touched. Files that were uploaded or "
            "downloaded here are deleted 30 days after the removal."
        )
        for one in sets:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(theme.safe(one.title))
                st.caption(f"removed {theme.clock(one.at)}")
                st.space("stretch")
                st.button("Restore", icon=":material/undo:", key=f"restore {one.source}",
                          on_click=boundary.callback(restore), args=(one.source,))  # fmt: skip


def restore(source: str) -> None:
    """Restore a removed set."""
    image_sets.restore(store(), source)
    remember(Key.REMOVED_SET, "")
