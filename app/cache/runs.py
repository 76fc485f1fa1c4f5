"""Curves and readings of runs, read once and cached in memory for all sessions."""

import threading
from pathlib import Path

import streamlit as st

from app.session import store
from cifar_core.reading import Reading, Situation, read
from cifar_core.reading.curves import Curves, curves, joined
from cifar_core.reading.machine.samples import Placed, Samples, placed
from cifar_core.runs import MetricsReader, Run, RunStatus
from cifar_core.runs.listing.goals import Goal, goals
from cifar_core.runs.record.machine.history import MachineHistory
from cifar_core.runs.record.watched import rows as watched_rows
from cifar_core.runs.record.watched.rows import WatchedEpoch
from cifar_core.runs.results.reading import situation_of

QUARTERS = 4  # readings per epoch
SAMPLES = 30  # of the machine after which it is read again


def goals_of(run: Run) -> list[Goal]:
    """Return the accuracies to beat on a run's images."""
    return goals(run.environment.data, store().seen())


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


class MachineFeed:
    """How one run uses its machine, shared by all sessions; reads only the rows appended since."""

    def __init__(self, folder: Path) -> None:
        self.lock = threading.Lock()
        self.history = MachineHistory(folder)

    def samples(self) -> Samples:
        """Return all samples so far."""
        with self.lock:
            return self.history.poll()

    def placed(self, measured: Curves) -> Placed:
        """Return the samples of the training so far, at its steps."""
        with self.lock:
            return placed(self.history.poll(), measured, self.history.starts)


@st.cache_resource(max_entries=64, show_spinner=False)
def machine_feed(folder: str) -> MachineFeed:
    """Return the feed that all sessions share for a run."""
    return MachineFeed(Path(folder))


def reading(run: Run, measured: Curves, status: RunStatus) -> Reading:
    """Return what a run's curves say, and its machine; updated four times an epoch.

    Also when the state of the run changes, and every half minute in a long epoch.
    """
    done = float(measured.step_epoch[-1]) if len(measured.step) else 0.0
    machine = machine_feed(str(run.path)).placed(measured)
    mark = (
        f"{status.state} {status.attempt} {len(measured.epoch)} {done * QUARTERS:.0f} "
        f"{len(machine) // SAMPLES}"
    )
    return _reading(str(run.path), mark, measured, situation_of(run, status), machine)


@st.cache_data(max_entries=256, show_spinner=False)
def _reading(
    folder: str, mark: str, _measured: Curves, _situation: Situation, _machine: Placed
) -> Reading:
    return read(_measured, _situation, _machine)
