"""The download of a set: the button that starts it, and its progress."""

import streamlit as st

from app import boundary, theme
from app.session import store
from cifar_core.data.published.downloads import fetch
from cifar_core.data.published.downloads.offered import download_of, title_of
from cifar_core.data.sources import progress
from cifar_core.data.sources.progress import DownloadProgress
from cifar_core.people import OPERATOR

MEGA = 1e6


def download(key: str = "cifar10") -> None:
    """Offer images that can be downloaded, and show the progress of their download."""
    now = progress.progress(store().root)
    running = now is not None and now.alive
    boundary.fragment(download_state, run_every=1.0 if running else None)(key, running)


def download_state(key: str, was_running: bool) -> None:
    """Draw the download; repeated every second while one runs."""
    now = progress.progress(store().root)
    running = now is not None and now.alive
    if running != was_running:
        st.rerun()
    if now is not None and running and now.key == key:
        under_way(now)
    elif now is not None and running:
        title = theme.safe(title_of(now.key))
        st.caption(f"{title} is being downloaded now. These images can be downloaded "
                   "when that is done.")  # fmt: skip
    elif store().by.may(OPERATOR):
        offer(key, now if now is not None and now.key == key else None)
    else:
        st.caption("An operator or an admin of this lab can download these images.")


def under_way(now: DownloadProgress) -> None:
    """Draw how far a download is, and a button that cancels it."""
    share = min(1.0, now.done / now.total) if now.total else 0.0
    speed = f", {now.bytes_per_second / MEGA:.1f} MB per second" if now.bytes_per_second else ""
    total = f" of {now.total / MEGA:,.1f}" if now.total else ""
    st.progress(share, f"{now.done / MEGA:,.1f}{total} MB{speed}")
    st.caption(f"{theme.safe(now.message)} You can close this page.")
    if store().by.may(OPERATOR, now.by) and st.button("Cancel", key="cancel"):
        with store().action(
            "cancel the download", "canceled the download of", title_of(now.key),
            owner=now.by,
        ):  # fmt: skip
            progress.cancel(store().root)


def offer(key: str, last: DownloadProgress | None) -> None:
    """Draw the button that starts the download, and why the last one of this set ended early."""
    wanted = download_of(key)
    if last is not None and last.state in ("failed", "cancelled"):
        st.markdown(f":red[:material/error: {theme.safe(last.message)}]")
    size = f" ({wanted.size})" if wanted.size else ""
    label = "Try again" if last is not None and last.state == "failed" else f"Download{size}"
    if st.button(label, type="primary", icon=":material/download:", key="download"):
        try:
            with store().action("download images", "began to download", wanted.title) as line:
                line.skip = not fetch.start_background(key, store().root, by=store().by.name)
        except boundary.REFUSED as error:
            boundary.show(error)
        else:
            st.rerun()
