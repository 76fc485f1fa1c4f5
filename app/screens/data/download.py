"""The download of the official images: the button that starts it, and its progress."""

import streamlit as st

from app import boundary, theme
from app.session import store
from cifar_core.data.sources import fetch, progress
from cifar_core.people import OPERATOR

MEGA = 1e6
CIFAR10 = "CIFAR-10"  # as the log names it


def download() -> None:
    """Offer the official images, and show the progress of their download."""
    now = progress.progress(store().root)
    running = now is not None and now.alive
    boundary.fragment(download_state, run_every=1.0 if running else None)(running)


def download_state(was_running: bool) -> None:
    """Draw the download; repeated every second while it runs."""
    now = progress.progress(store().root)
    running = now is not None and now.alive
    if running != was_running:
        st.rerun()
    if now is not None and running:
        share = min(1.0, now.done / now.total) if now.total else 0.0
        speed = f", {now.bytes_per_second / MEGA:.1f} MB per second" if now.done else ""
        st.progress(share, f"{now.done / MEGA:.1f} of {now.total / MEGA:.1f} MB{speed}")
        st.caption(f"{theme.safe(now.message)} You can close this page.")
        if store().by.may(OPERATOR, now.by) and st.button("Cancel", key="cancel"):
            with store().action("cancel the download", "canceled the download of", CIFAR10,
                                owner=now.by):  # fmt: skip
                progress.cancel(store().root)
        return
    if now is not None and now.state in ("failed", "cancelled"):
        st.markdown(f":red[:material/error: {theme.safe(now.message)}]")
    label = "Try again" if now is not None and now.state == "failed" else "Download (170 MB)"
    if st.button(label, type="primary", icon=":material/download:", key="download"):
        try:
            with store().action("download images", "began to download", CIFAR10) as line:
                line.skip = not fetch.start_background(store().root, by=store().by.name)
        except boundary.REFUSED as error:
            boundary.show(error)
        else:
            st.rerun()
