"""The order of the queue, and how a person changes it, in one act for any number of runs.

An admin may bring about any order. Everyone else moves their own runs, and no run of another
person may get a later place because of it.
"""

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from cifar_core.disk import lock
from cifar_core.errors import AccessError, RunError
from cifar_core.people import OPERATOR
from cifar_core.runs.record import status
from cifar_core.runs.record.run import Run
from cifar_core.runs.store.queue import places
from cifar_core.runs.store.run_row import RunRow

if TYPE_CHECKING:
    from cifar_core.runs.store.store import Store

LOCK = ".queue.lock"  # held while the order is changed
CHANGED = (
    "The order of the queue has been changed since you saw it. It is shown as it is now: move the "
    "run again."
)


def queue_order(rows: Iterable[RunRow]) -> list[RunRow]:
    """Return the runs that wait for a device, next one first."""
    waiting = [row for row in rows if row.state == "queued"]
    return sorted(waiting, key=lambda row: (row.position, row.number))


def reorder(store: "Store", ids: Sequence[str], seen: Sequence[str], moved: str = "") -> list[str]:
    """Bring the queue into an order as near as possible to `ids`; return the order it has then.

    `seen` are the ids in the order that the person saw. Runs that have left the queue since are
    skipped, and those that joined it stay behind. `moved` is the run that the person moved, if it
    was one. Raises RunError if the queue was reordered meanwhile, and AccessError if the person
    may change nothing of it.
    """
    with lock.held(store.root / LOCK):
        rows = store.queue()
        return brought_into(store, rows, still_wanted(ids, seen, [row.id for row in rows]), moved)


def put(store: "Store", run: Run, place: int) -> list[str]:
    """Move a waiting run to a place, 0 for the next one to start, or as near as it may get."""
    with lock.held(store.root / LOCK):
        rows = store.queue()
        others = [row.id for row in rows if row.id != run.id]
        if len(others) == len(rows):  # it waits no longer
            return others
        place = min(max(0, place), len(others))
        wanted = [*others[:place], run.id, *others[place:]]
        return brought_into(store, rows, wanted, run.id)


def shift(store: "Store", run: Run, way: int) -> list[str]:
    """Let a waiting run start earlier (-1) or later (+1), by one place that it may have."""
    rows = store.queue()
    here = next((place for place, row in enumerate(rows) if row.id == run.id), -1)
    if way > 0 or here < 0:
        return put(store, run, here + 1)
    before = [place for place in range(here) if store.by.may(OPERATOR, rows[place].owner)]
    return put(store, run, before[-1] if before else here - 1)


def to_front(store: "Store", run: Run) -> list[str]:
    """Let a waiting run start as early as it may."""
    return put(store, run, 0)


def still_wanted(ids: Sequence[str], seen: Sequence[str], now: Sequence[str]) -> list[str]:
    """Return the wanted order of the runs that wait now; RunError if it can no longer be meant."""
    if sorted(ids) != sorted(set(seen)):
        raise RunError("A new order of the queue must name every run that was seen, and each once.")
    waiting = set(now)
    known = [run for run in seen if run in waiting]
    if list(now[: len(known)]) != known:
        raise RunError(CHANGED)
    return [*(run for run in ids if run in waiting), *now[len(known) :]]


def brought_into(
    store: "Store", rows: Sequence[RunRow], wanted: Sequence[str], moved: str
) -> list[str]:
    """Give the runs that have to move their new positions. The caller holds the queue's lock."""
    now = [row.id for row in rows]
    owners = {row.id: row.owner for row in rows}
    own = [run for run in now if store.by.may(OPERATOR, owners[run])]
    request = f"move it in the queue (run {moved})" if moved else "move runs in the queue"
    is_others = moved in owners and moved not in own
    stranger = moved if is_others else displaced(now, wanted, own)
    with store.action(request, "moved in the queue", owner=owners.get(stranger, "")) as line:
        order = places.permitted(now, wanted, own)
        if order == now and list(wanted) != now:
            raise AccessError(
                "It is as early as it may be: no run of another person may get a later place. "
                "Ask that person or an admin of this lab to move theirs."
            )
        positions = {row.id: row.position for row in rows}
        new = places.moves(order, positions, moved=moved, at=time.time())
        for run, position in new.items():
            status.set_position(store.root / "runs" / run, position)
        line.skip = not new
        line.run = next(iter(new)) if len(new) == 1 else ""
        line.detail = f"to place {order.index(line.run) + 1}" if line.run else f"{len(new)} runs"
    return order


def displaced(now: Sequence[str], wanted: Sequence[str], own: Sequence[str]) -> str:
    """Return the first run of another person that would change places with one of theirs."""
    mine = set(own)
    before, after = ([run for run in order if run not in mine] for order in (now, wanted))
    return next((run for run, other in zip(after, before, strict=True) if run != other), "")
