"""A time of day at which a run stops: to be set, seen and taken back, in the person's time zone."""

import time as clock
from datetime import datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

import streamlit as st

from app.boundary import attempt
from cifar_core.runs import Run
from cifar_core.runs.record import control

MORNING = time(7, 0)


def stop_time(run: Run) -> None:
    """Offer to stop a run at a time of day; if one is set, say it and offer to take it back."""
    until = control.read(run.path).until
    if until > clock.time():
        st.markdown(f"It stops {words(until)}, with a checkpoint.")
        if st.button("Do not stop then", icon=":material/alarm_off:", key="stop_at_no_time"):
            attempt(lambda: control.stop_at_no_time(run))
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        at = st.time_input("Stop at", MORNING, key="stop_time", width=120)
        if st.button("Set", icon=":material/alarm:", key="stop_at") and at is not None:
            attempt(lambda: control.stop_at(run, next_time(at, datetime.now(zone())).timestamp()))


def stop_badge(run: Run) -> None:
    """Show the time at which a run stops, if one is set."""
    until = control.read(run.path).until
    if until > clock.time():
        st.badge(f"Stops {words(until)}", icon=":material/alarm:", color="gray")


def zone() -> tzinfo | None:
    """Return the time zone of the person's browser; None, for the server's, if it is not known."""
    try:
        return ZoneInfo(st.context.timezone or "")
    except (ValueError, OSError):
        return None


def next_time(at: time, now: datetime) -> datetime:
    """Return the next moment that has a time of day, in the time zone of `now`."""
    today = datetime.combine(now.date(), at, now.tzinfo)
    return today if today > now else datetime.combine(now.date() + timedelta(1), at, now.tzinfo)


def words(moment: float) -> str:
    """Say when that is: at 07:00, tomorrow at 07:00, on 3 Dec at 07:00."""
    there, today = datetime.fromtimestamp(moment, zone()), datetime.now(zone()).date()
    days = (there.date() - today).days
    day = {0: "", 1: "tomorrow "}.get(days, f"on {there.day} {there:%b} ")
    return f"{day}at {there:%H:%M}"
