"""Which runs ended lately, and which of them this visitor has not seen."""

import time
from collections.abc import Sequence

import streamlit as st

from app import theme
from app.navigation import link
from app.session import Key, remember, remembered
from cifar_core.runs import CURVES, STATES, RunRow

RECENT = 24 * 3600.0  # seconds for which the end of a run is listed
MOST = 8  # runs in the list


def alerts(rows: Sequence[RunRow]) -> None:
    """Draw how many runs ended since the visitor last looked; nothing if none did in a day."""
    ended = recently_ended(rows, time.time())
    if not ended:
        return
    seen = remembered(Key.ALERTS_SEEN, 0.0)
    new = sum((row.ended_at or 0) > seen for row in ended)
    menu = st.popover(
        f"Alerts {new}" if new else "Alerts", icon=":material/notifications:", type="tertiary",
        key="alerts", on_change="rerun",
    )  # fmt: skip
    if menu.open:
        remember(Key.ALERTS_SEEN, time.time())
        with menu:
            for row in ended[:MOST]:
                line(row)
            if len(ended) > MOST:
                st.caption(f"And {theme.plural(len(ended) - MOST, 'run')} before these.")


def recently_ended(rows: Sequence[RunRow], now: float) -> list[RunRow]:
    """Return the runs that finished, stopped or failed within a day, the newest end first."""
    ended = [
        row
        for row in rows
        if STATES[row.state].is_final
        and not row.example
        and row.kind != CURVES
        and now - (row.ended_at or 0) < RECENT
    ]
    return sorted(ended, key=lambda row: row.ended_at or 0, reverse=True)


def line(row: RunRow) -> None:
    """Draw the end of a run as a link to it."""
    icon = f":material/{theme.ICONS[row.state][1]}:"
    when = theme.clock(row.ended_at or 0)
    link("run", f"#{row.number} {theme.safe(row.name)}", icon, id=row.number)
    st.caption(f"{STATES[row.state].title}, {when}")
