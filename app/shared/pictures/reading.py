"""Images that are being read for the first time: how far that is, and what a person can do."""

import streamlit as st

from app import boundary, theme
from app.cache.opening import reading, reading_job
from app.session import store
from app.shared.job_offer import tried
from cifar_core import data
from cifar_core.background.jobs import Job
from cifar_core.data.decoding import Reading
from cifar_core.people import OPERATOR

POLL = 1.0  # seconds between two looks


def watch_reading(source: str, about: str = "") -> None:
    """Draw how far the reading of a source is; the page is drawn again when it ends.

    `about` says what can be done meanwhile. Only this part is drawn again, while it goes on.
    """
    live = reading(source, str(store().root)) is not None
    boundary.fragment(state, run_every=POLL if live else None)(source, about, live)


def state(source: str, about: str, was_live: bool) -> None:
    """Draw the state; repeated while the images are read."""
    root = str(store().root)
    now, job = reading(source, root), reading_job(source, root)
    if (now is not None) != was_live:
        st.rerun()
    changed = ended(job, source) if now is None else under_way(now, job, source)
    if about and now is not None:
        st.caption(about)
    if changed:
        st.rerun()


def under_way(now: Reading, job: Job, source: str) -> bool:
    """Draw the progress and, for those who may, a button that cancels it; True if it was used."""
    share = min(1.0, now.done / now.total) if now.total else 0.0
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(share, text=words(now), width=360)
        may = job.is_running and store().by.may(OPERATOR, job.asker)
        cancel = may and st.button("Cancel", type="tertiary", key=f"cancel reading {source}")
    return cancel and tried(lambda: cancel_reading(job, source))


def words(now: Reading) -> str:
    """Say how far it is, how fast, and how long it takes."""
    if now.ahead:
        return f"Waiting for {theme.plural(now.ahead, 'other job')} to finish"
    if not now.total:
        return "Looking at the files"
    parts = [f"Being read: {theme.count(now.done)} of {theme.count(now.total)}"]
    left = now.seconds_left
    if left is not None:
        parts += [f"{theme.count(round(now.per_second))} a second", f"{theme.duration(left)} left"]
    return ", ".join(parts)


def ended(job: Job, source: str) -> bool:
    """Say why the images are not read, and offer to go on; True if that was clicked."""
    if not (why := job.error):
        return False
    st.markdown(f":material/pause_circle: {theme.safe(f'These images are not read yet. {why}')}")
    if not store().by.may(OPERATOR):
        return False
    go_on = st.button("Continue reading", icon=":material/play_arrow:", key=f"read {source}")
    return go_on and tried(lambda: start_reading(job, source))


def start_reading(job: Job, source: str) -> None:
    """Start it because a person asked for it."""
    title = data.title_of(source, store().root)
    with store().action("read images", "began to read the images", title) as line:
        line.skip = not job.start()


def cancel_reading(job: Job, source: str) -> None:
    """Cancel it, which only who started it and admins may."""
    title = data.title_of(source, store().root)
    with store().action(
        "cancel the reading of images", "canceled the reading of", title, owner=job.asker
    ) as line:
        line.skip = not job.cancel()
