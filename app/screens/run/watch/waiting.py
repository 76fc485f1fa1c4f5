"""What a run shows before its first steps: its place in the queue, and what it waits for."""

import streamlit as st

from app import theme
from app.navigation import link
from app.session import store
from cifar_core.runs import Run, RunStatus
from cifar_core.runs.listing.clusters import cluster_of, has_no_machine
from cifar_core.runs.store.queue.order import queue_order
from cifar_core.runs.store.run_row import RunRow

MOST = 3  # runs that are named
NOTHING = "This run has no measurements."
DRAFT = "The curves appear here once the run is started."
FREE = "The curves appear here once a device is free."
RESUMED = "The curves appear here once the queue is resumed and a device is free."
HANDED_OVER = "The curves appear here once {} has given it a machine."
THERE = "It was handed over to {0} and starts when {0} gives it a machine."
SOON = "The curves begin with the first steps."
INHERITED = "Below are the curves of the run that it continues; its own follow on the same line."
LOADING = "The trainer is starting, and PyTorch is being loaded."
DOING = {  # the trainer's latest line in the log, by its beginning
    "Loading the images": "The images are being opened, and PyTorch is being loaded.",
    "A trial of": "The network is being built.",
    "Training on": "The network is built; training is about to begin.",
    "Attempt": "The first steps are being computed.",
    "Features of": "The features of the images are being computed.",
    "Answers of the teachers": "The teachers are being asked about the images.",
    "Features and answers": "Features and the teachers' answers are being computed.",
    "The features": "The first steps are being computed.",
    "The answers": "The first steps are being computed.",
}
LINES = 20  # of the log that are read


def waiting(run: Run, status: RunStatus, *, inherits: bool = False) -> None:
    """Draw what there is to know about a run that has measured nothing of its own.

    It `inherits` the curves of another run if it continues from that one.
    """
    cluster = cluster_of(run)
    if has_no_machine(cluster, status.state, status.device):
        st.markdown(THERE.format(cluster.title()))
        st.caption(INHERITED if inherits else SOON)
        return
    if status.state in ("starting", "running"):
        st.markdown(doing(run.log_tail(LINES)))
        st.caption(INHERITED if inherits else SOON)
        return
    if status.state != "queued":
        words = DRAFT if status.state == "draft" else NOTHING
        st.caption(INHERITED if inherits else words)
        return
    rows = store().seen()
    queue = queue_order(rows)
    place = next((n for n, row in enumerate(queue, 1) if row.id == run.id), 0)
    if place:
        st.markdown(f"**{place_words(place, len(queue))}**")
    ahead = queue[: max(0, place - 1)]
    named("Before it in the queue", ahead)
    if not cluster:
        named("Using a device now", [row for row in rows if uses_a_device(row)])
    if inherits:
        st.caption(INHERITED)
    elif cluster and not store().queue_pause.is_on:
        st.caption(HANDED_OVER.format(cluster.title()))
    else:
        st.caption(RESUMED if store().queue_pause.is_on else FREE)


def uses_a_device(row: RunRow) -> bool:
    """Whether a run has a device of this machine."""
    return row.state in ("starting", "running", "stopping") and not cluster_of(row)


def doing(log: str) -> str:
    """Say what a trainer does before its first steps, as far as its log tells."""
    for line in reversed(log.splitlines()):
        said = line.partition("  ")[2]  # after the time
        if words := next((words for start, words in DOING.items() if said.startswith(start)), ""):
            return words
    return LOADING


def place_words(place: int, waiting: int) -> str:
    """Say which place in the queue a run has."""
    if waiting == 1:
        return "Next in the queue: no other run waits"
    if place == 1:
        return f"Next in the queue, of {waiting} runs that wait"
    return f"Number {place} of {waiting} in the queue"


def named(what: str, rows: list[RunRow]) -> None:
    """Draw links to some runs, with the time that is left for them; nothing if there are none."""
    if not rows:
        return
    st.markdown(what)
    for row in rows[:MOST]:
        left = f", {theme.duration(row.eta_seconds)} left" if row.eta_seconds else ""
        link("run", f"#{row.number} {theme.safe(row.name)}{left}", id=row.number)
    if len(rows) > MOST:
        st.caption(f"and {theme.plural(len(rows) - MOST, 'other')}")
