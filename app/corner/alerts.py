"""What happened lately to runs and sweeps, and the choice of who gets a message."""

import time
from collections.abc import Sequence
from pathlib import Path

import streamlit as st
from msgspec.structs import replace

from app import boundary, theme
from app.cache.runs import feed, reading
from app.corner.notify import notify
from app.navigation import link
from app.session import Key, remember, remembered, store
from app.shared.notices import browser
from cifar_core.runs import STATES, Run, RunRow, Store
from cifar_core.runs.notifications import found, news, subscriptions
from cifar_core.runs.notifications.news import News

MOST = 8  # news in the list
GRAVE = ("failed", "diverged", "disk")  # kinds that are listed of a sweep's runs too
ICONS = {  # kind of news: icon
    **{key: theme.ICONS[key][1] for key in ("finished", "stopped", "failed")},
    "diverged": "trending_up",
    "disk": "hard_drive",
    "decided": "grid_view",
    "overfits": "call_split",
    "no_better": "trending_flat",
}


def alerts(rows: Sequence[RunRow]) -> None:
    """Draw how much happened since the visitor last looked; nothing in a store without runs."""
    if all(row.example for row in rows):
        return
    here = store()
    latest = [*of_curves(rows), *of_rows(here, rows)]
    follows = subscriptions.of_person(here.root, here.by.name)
    with st.container(key="news_watch"):
        browser.watch([one for one in latest if follows.wants(one)])
    listed = [one for one in latest if not one.is_of_one_of_many or one.kind in GRAVE]
    seen = remembered(Key.ALERTS_SEEN, 0.0)
    if not st.session_state.get("alerts"):  # a menu whose label changes would close
        remember(Key.ALERTS_NEW, sum(one.at > seen for one in listed))
    new = remembered(Key.ALERTS_NEW, 0)
    menu = st.popover(
        f"Alerts {new}" if new else "Alerts", icon=":material/notifications:", type="tertiary",
        key="alerts", on_change="rerun",
    )  # fmt: skip
    if menu.open:
        remember(Key.ALERTS_SEEN, time.time())
        with menu:
            for one in listed[:MOST]:
                line(one)
            if len(listed) > MOST:
                st.caption(f"And {theme.plural(len(listed) - MOST, 'message')} before these.")
            if not listed:
                st.caption("Nothing has happened within a day.")
            boundary.part(notify)()


def of_rows(here: Store, rows: Sequence[RunRow]) -> list[News]:
    """Return the news of a day that rows and sweeps show; computed once for all sessions."""
    return _of_rows(str(here.root), found.mark_of(rows, time.time()), rows, here)


@st.cache_data(max_entries=16, show_spinner=False)
def _of_rows(root: str, mark: int, _rows: Sequence[RunRow], _here: Store) -> list[News]:
    return found.of_rows(_here, _rows, time.time())


def of_curves(rows: Sequence[RunRow]) -> list[News]:
    """Return the news that the curves of running runs show, read as on their pages."""
    latest = []
    for row in rows:
        if row.state == "running" and row.epochs_done:
            run = Run(Path(store().root) / "runs" / row.id)
            curves = feed(str(run.path)).curves()
            now = news.of_curves(row, curves, reading(run, curves, run.status), 0.0)
            latest += [replace(one, at=first_seen(one.id)) for one in now]
    return latest


@st.cache_data(max_entries=256, show_spinner=False)
def first_seen(id_: str) -> float:
    """Return when any session first saw some news."""
    return time.time()


def line(one: News) -> None:
    """Draw some news as a link to their run or sweep."""
    icon = f":material/{ICONS[one.kind]}:"
    number = one.run.split("-", 1)[0]
    page, query = ("run", {"id": number}) if one.run else ("sweep", {"id": one.sweep})
    link(page, theme.safe(one.name), icon, **query)
    state = STATES[one.kind].title if one.kind in STATES else news.NEWS[one.kind].title
    st.caption(f"{state}, {theme.clock(one.at)}")
