"""The corner at the top right of every page, which stays in its place."""

import streamlit as st

from app import boundary
from app.cache.refresh import every
from app.corner.alerts import alerts
from app.corner.help import help_menu
from app.corner.machines import machines
from app.corner.visitor import visitor
from app.session import store
from cifar_core.runs.record.status import is_under_way

REFRESH = 5.0  # seconds between two updates while a run is under way


def corner() -> None:
    """Draw the corner; app/static/page.css keeps it in its place."""
    with st.container(key="corner", horizontal=True, gap="xsmall", width="content"):
        busy = any(is_under_way(row.state, row.reason) for row in store().seen())
        boundary.fragment(state, run_every=every(REFRESH) if busy else None)()
        help_menu()
        visitor()


def state() -> None:
    """Draw what changes while runs are under way."""
    rows = store().seen()
    with st.container(horizontal=True, gap="xsmall", width="content"):
        machines(rows)
        alerts(rows)
