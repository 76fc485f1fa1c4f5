"""A background job on a page: the button that starts it, its progress, and why it failed."""

from collections.abc import Callable
from typing import Literal

import streamlit as st

from app import theme
from cifar_core.background.jobs import Job

POLL = 1.0  # seconds between two looks
Look = Literal["primary", "tertiary"]  # of the button that starts a job


def offer(
    job: Job, label: str, about: str, *, key: str, title: str = "", look: Look = "primary"
) -> None:
    """Draw the button that starts a job, or its progress; the page is redrawn at its end.

    Only this part is repeated, and only while a process works on it.
    """
    running = job.is_running

    def watched() -> None:
        if job.is_done or (running and not job.is_running):
            st.rerun()
        if draw(job, label, about, key=key, title=title, look=look):
            st.rerun()

    st.fragment(watched, run_every=POLL if running else None)()


def draw(
    job: Job, label: str, about: str, *, key: str, title: str = "", look: Look = "primary"
) -> bool:
    """Draw a job that is not done as it is now; return whether a click has changed that.

    The title goes before what is said of it, where the page shows several jobs.
    """
    if job.is_running:
        return progress(job, key=key, title=title)
    failure(job, title)
    with st.container(horizontal=True, vertical_alignment="center"):
        start = st.button(label, icon=":material/play_arrow:", type=look, key=f"{key} start")
        st.caption(about, width="content")
    if start:
        job.start()
    return start


def failure(job: Job, title: str = "") -> None:
    """Say why there is no result although it was asked for, if that is so."""
    if error := job.error:
        st.error(theme.safe(f"{title}: {error}" if title else error), icon=":material/error:")


def progress(
    job: Job, *, key: str, title: str = "", before: int = 0, jobs: int = 1,
    on_cancel: Callable[[], object] | None = None,
) -> bool:  # fmt: skip
    """Draw how much is done and a button that cancels it; return whether that was clicked.

    Where several `jobs` run one after the other, `before` is the number already done.
    """
    done, total = job.progress
    words = f"{theme.count(done)} of {theme.count(total)}" if total else "In progress"
    share = (before + (min(1.0, done / total) if total else 0.0)) / jobs
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(share, text=f"{title}: {words}" if title else words, width=320)
        cancel = st.button("Cancel", type="tertiary", key=f"{key} cancel")
    if cancel:
        (on_cancel or job.cancel)()
    return cancel
