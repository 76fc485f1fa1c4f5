"""The Watch tab: is it going well?"""

import time

import streamlit as st

from app import boundary
from app.cache.runs import feed, reading, watched
from app.screens.run.imported.watch import imported_curves
from app.screens.run.watch.confused import confused
from app.screens.run.watch.curves import live_curves
from app.screens.run.watch.figures import figures
from app.screens.run.watch.machine import machine_panel
from app.screens.run.watch.pictures import pictures
from app.screens.run.watch.profile import profile
from app.screens.run.watch.rate_search import rate_search
from app.screens.run.watch.reading import reading_panel
from app.screens.run.watch.waiting import waiting
from app.session import Key, remember, remembered
from cifar_core.runs import CURVES, RATE_SEARCH, Run, RunStatus
from cifar_core.runs.record.figures.summary_record import Summary

AWAY = 15.0  # seconds after which a page that was not drawn is no longer watched


def draw(run: Run, status: RunStatus) -> None:
    """Draw the tab; its curves are drawn again every second while the run is under way."""
    every = 1.0 if status.is_under_way else None
    if run.kind == CURVES:
        boundary.part(imported_curves)(run)
        return
    if run.kind == RATE_SEARCH:
        boundary.fragment(searching, run_every=every)(run)
        return
    turn_to_result(run, status)
    boundary.fragment(live, run_every=every)(run)
    if run.summary == Summary():
        return
    box = st.expander("Where the time of a step goes", key="part profile", on_change="rerun")
    if box.open:
        with box:
            boundary.part(profile)(run, status)


def turn_to_result(run: Run, status: RunStatus) -> None:
    """Open the Result tab, once, if the run has finished under the eyes of this session."""
    seen, at = remembered(Key.WATCHED, ("", 0.0))
    remember(Key.WATCHED, ("", 0.0))
    if seen != run.id or time.time() - at > AWAY or status.state != "finished":
        return
    if run.summary.test_accuracy is not None:
        st.query_params["tab"] = "result"
        st.rerun()


def live(run: Run) -> None:
    """Draw everything that changes while the run trains."""
    status, summary = run.status, run.summary
    if status.is_under_way:
        remember(Key.WATCHED, (run.id, time.time()))
    curves = feed(str(run.path)).curves()
    inherits = bool(len(curves.step)) and not status.attempt
    if inherits or not len(curves.step):
        waiting(run, status, inherits=inherits)
    if not len(curves.step):
        return
    left, right = st.columns([5, 3], gap="large")
    with left:
        figures(run, status, summary, curves)
        options = live_curves(run, status, summary, curves)
        said = reading(run, curves, status)
        machine_panel(run, status, curves, options, said)
    with right:
        reading_panel(said, curves, options, run.number)
        if epochs := watched(run):
            pictures(run, epochs)
            confused(run, epochs)


def searching(run: Run) -> None:
    """Draw a rate search."""
    rate_search(run)
