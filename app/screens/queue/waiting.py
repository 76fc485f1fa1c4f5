"""The runs that wait, as their list shows them, and what a person does with them there."""

import time
from collections.abc import Sequence

import streamlit as st

from app import boundary, theme
from app.screens.queue.queue_list import (
    Choice,
    Move,
    OtherDevice,
    Waiting,
    queue_list,
    requested,
)
from app.session import Key, clusters, remember, remembered, store
from app.shared.picker.networks import about
from cifar_core.devices import Inventory
from cifar_core.people import OPERATOR, Person
from cifar_core.runs import STATES, Run, RunRow
from cifar_core.runs.backends.offered import THIS_MACHINE, clusters_in, title_of
from cifar_core.runs.backends.settings import BackendSettings
from cifar_core.runs.listing.clusters import cluster_of, on_one_device_here
from cifar_core.runs.listing.queue_forecast import Forecast, is_known
from cifar_core.runs.store.queue.cluster import send_to
from cifar_core.runs.store.queue.device import AUTO, give_device

RULE = (
    "You can move, change and remove your own runs, as long as no run of another person gets a "
    "later place. An admin can do so with every run."
)


def waiting_list(waiting: Sequence[RunRow], found: Inventory, expected: Forecast) -> None:
    """Draw the runs that wait, in their order."""
    by, paused = store().by, store().queue_pause.is_on
    lines = [line(row, expected, by, paused=paused) for row in waiting]
    queue_list(
        lines,
        choices(found, clusters()),
        answered=remembered(Key.QUEUE_ANSWERED, 0),
        on_moved=boundary.callback(moved),
        on_removed=boundary.callback(removed),
        on_device=boundary.callback(device_given),
    )
    if by.may(OPERATOR) and not all(one.mine for one in lines):
        st.caption(RULE)


def line(row: RunRow, expected: Forecast, by: Person, *, paused: bool) -> Waiting:
    """Return a run as the list shows it."""
    takes = expected.takes[row.id]
    return Waiting(
        id=row.id,
        number=row.number,
        name=row.name,
        owner="" if row.owner == by.name else row.owner,
        takes=about(takes) if is_known(takes) else "",
        starts="" if paused else start_words(expected.starts[row.id]),
        why=why_words(row),
        device=cluster_of(row) or str(row.settings.get("device", AUTO)),
        mine=by.may(OPERATOR, row.owner),
    )


def why_words(row: RunRow) -> str:
    """Say what a run waits for other than its turn: one for a cluster, that this has room."""
    if row.reason == "queue_paused":
        return ""
    usual = not row.reason and (on_one_device_here(row) or row.message == STATES["queued"].summary)
    return "" if usual else row.message


def choices(found: Inventory, there: BackendSettings) -> list[Choice]:
    """Return the devices and the clusters that a run may ask for; none where there is only one."""
    several, elsewhere = len(found.devices) > 1, clusters_in(there)
    if not several and not elsewhere:
        return []
    here = [Choice(key=AUTO, title=anything(found) if several else THIS_MACHINE)]
    if several:
        here += [Choice(key=id_, title=id_) for id_ in found.names]
    return here + [Choice(key=key, title=title_of(key, there)) for key in elsewhere]


def anything(found: Inventory) -> str:
    """Say what a run gets that asks for no device in particular."""
    return "CPU" if found.devices[0].is_cpu else "any GPU"


def start_words(seconds: float) -> str:
    """Say when a run starts; nothing if that is not known."""
    if not is_known(seconds):
        return ""
    return f"starts \u2248 {theme.clock(time.time() + seconds)}" if seconds else "starts soon"


def may_change(row: RunRow) -> bool:
    """Whether the visitor may stop, move or remove a run."""
    return store().by.may(OPERATOR, row.owner)


def moved() -> None:
    """Bring the queue into the order that the visitor made in the browser."""
    asked = requested("moved", Move)
    remember(Key.QUEUE_ANSWERED, asked.token)
    got = store().reorder(asked.ids, asked.seen, asked.run)
    if asked.run not in got:
        run = store().run(asked.run)
        st.toast(f"#{run.number} has started or left the queue meanwhile.")
    elif [id_ for id_ in asked.ids if id_ in got] != [id_ for id_ in got if id_ in asked.ids]:
        st.toast("It is as early as it may be: no run of another person gets a later place.")


def removed() -> None:
    """Take the run out of the queue that the visitor removed in the browser."""
    remove(store().run(requested("removed", str)))


def remove(run: Run) -> None:
    """Take a run out of the queue, if it still waits there."""
    if run.status.state != "queued":
        st.toast(f"#{run.number} has started meanwhile.")
        return
    run.stop("now")
    st.toast(f"#{run.number} was removed from the queue. It can be resumed on its page.")


def device_given() -> None:
    """Let a run ask for the device or the cluster that the visitor chose in the browser."""
    asked = requested("device", OtherDevice)
    run = store().run(asked.run)
    if asked.device in clusters_in(clusters()):
        send_to(store(), run, asked.device)
    else:
        give_device(store(), run, asked.device)
