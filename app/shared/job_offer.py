"""A background job on a page: the button that starts it, its progress, and why it failed."""

from collections.abc import Callable
from typing import Literal

import streamlit as st

from app import boundary, theme
from cifar_core.runs.store.run_job import RunJob
from cifar_core.runs.store.set_job import SetJob

POLL = 1.0  # seconds between two checks
UNASKED = 30.0  # longest estimate in seconds for a job that is started without a click
Offered = RunJob | SetJob
ButtonType = Literal["primary", "tertiary"]


def offer(
    job: Offered,
    label: str,
    about: str,
    *,
    key: str,
    title: str = "",
    type_: ButtonType = "primary",
) -> None:
    """Draw the button that starts a job, or its progress; the page is drawn again when it ends.

    Meanwhile only this part is drawn again, and only while the job runs.
    """
    running = job.is_running

    def watched() -> None:
        if job.is_done or (running and not job.is_running):
            st.rerun()
        if draw(job, label, about, key=key, title=title, type_=type_):
            st.rerun()

    boundary.fragment(watched, run_every=POLL if running else None)()


def draw(
    job: Offered,
    label: str,
    about: str,
    *,
    key: str,
    title: str = "",
    type_: ButtonType = "primary",
) -> bool:
    """Draw the state of a job that is not done; return True if a click has changed it.

    A page that shows several jobs gives each a title, which precedes its texts.
    """
    if job.is_running:
        return progress(job, key=key, title=title)
    failure(job, title)
    with st.container(horizontal=True, vertical_alignment="center"):
        start = st.button(label, icon=":material/play_arrow:", type=type_, key=f"{key} start")
        st.caption(about, width="content")
    return start and tried(job.begin)


def tried(do: Callable[[], object]) -> bool:
    """Do something; return False if it cannot be done, after saying why."""
    try:
        do()
    except boundary.REFUSED as error:
        boundary.show(error)
        return False
    return True


def failure(job: Offered, title: str = "") -> None:
    """Say why the job failed, if it did."""
    if error := job.error:
        st.error(theme.safe(f"{title}: {error}" if title else error), icon=":material/error:")


def progress(
    job: Offered, *, key: str, title: str = "", before: int = 0, jobs: int = 1,
    on_cancel: Callable[[], object] | None = None,
) -> bool:  # fmt: skip
    """Draw a job's progress and a button that cancels it; return True if that was done.

    The button is there for the people who may cancel the job. If several `jobs` run one after
    another, `before` is the number of those done before this one.
    """
    done, total = job.progress
    words = f"{theme.count(done)} of {theme.count(total)}" if total else "In progress"
    if job.ahead:
        words = f"Waiting for {theme.plural(job.ahead, 'other job')} to finish"
    share = (before + (min(1.0, done / total) if total else 0.0)) / jobs
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(share, text=f"{title}: {words}" if title else words, width=320)
        cancel = job.may_stop() and st.button("Cancel", type="tertiary", key=f"{key} cancel")
    return cancel and tried(on_cancel or job.stop)
