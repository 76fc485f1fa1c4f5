"""Curves and readings of runs, read once and cached in memory for all sessions."""

import threading
from pathlib import Path

import streamlit as st

from app.session import store
from cifar_core.reading import Reading, Situation, read
from cifar_core.reading.curves import Curves, curves, joined
from cifar_core.runs import MetricsReader, Run, RunStatus
from cifar_core.runs.listing.goals import Goal, goals
from cifar_core.runs.record.watched import rows as watched_rows
from cifar_core.runs.record.watched.rows import WatchedEpoch
from cifar_core.runs.results.reading import situation_of

QUARTERS = 4  # readings per epoch


def goals_of(run: Run) -> list[Goal]:
    """Return the accuracies to beat on a run's images."""
    return goals(run.environment.data, store().runs())


class Feed:
    """The curves of one run, shared by all sessions; reads only the rows appended since."""

    def __init__(self, folder: Path) -> None:
        self.lock = threading.Lock()
        self.reader = MetricsReader(folder)
        self.so_far = curves([])

    def curves(self) -> Curves:
        """Return everything measured so far."""
        with self.lock:
            fresh = self.reader.poll()
            if fresh.reset:
                self.so_far = curves(fresh.rows)
            elif fresh.rows:
                self.so_far = joined(self.so_far, curves(fresh.rows))
            return self.so_far


@st.cache_resource(max_entries=64, show_spinner=False)
def feed(folder: str) -> Feed:
    """Return the feed that all sessions share for a run."""
    return Feed(Path(folder))


def watched(run: Run) -> list[WatchedEpoch]:
    """Return what a run's validations showed of the images that it watches, by epoch."""
    return _watched(str(run.path), tuple(watched_rows.stamp(run.path)))


@st.cache_resource(max_entries=64, show_spinner=False)
def _watched(folder: str, stamp: tuple[int, ...]) -> list[WatchedEpoch]:
    return watched_rows.read(Path(folder))


def reading(run: Run, measured: Curves, status: RunStatus) -> Reading:
    """Return what a run's curves say, updated four times per epoch and when its state changes."""
    done = float(measured.step_epoch[-1]) if len(measured.step) else 0.0
    mark = f"{status.state} {status.attempt} {len(measured.epoch)} {done * QUARTERS:.0f}"
    return _reading(str(run.path), mark, measured, situation_of(run, status))


@st.cache_data(max_entries=256, show_spinner=False)
def _reading(folder: str, mark: str, _measured: Curves, _situation: Situation) -> Reading:
    return read(_measured, _situation)
