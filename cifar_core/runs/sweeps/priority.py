"""Gives runs another priority in the queue."""

from collections.abc import Sequence

from cifar_core.disk import lock
from cifar_core.people import ADMIN, Person
from cifar_core.runs.record import status
from cifar_core.runs.record.queue.priorities import FIRST, PRIORITIES, moved
from cifar_core.runs.record.run import Run
from cifar_core.runs.store.queue.order import LOCK
from cifar_core.runs.store.run_row import RunRow
from cifar_core.runs.store.store import Store


def may_give(by: Person, priority: str) -> bool:
    """Whether a person may give runs a priority: only an admin lets them overtake all others."""
    return priority != FIRST or by.may(ADMIN)


def prioritize(store: Store, rows: Sequence[RunRow], priority: str) -> int:
    """Give runs a priority, a key of PRIORITIES or empty for a normal one; return how many changed.

    Those that wait move to their new place at once; the others take it when they wait again.
    """
    changed = 0
    for row in rows:
        run = Run(store.root / "runs" / row.id, store.by)
        if run.about.priority == priority:
            continue
        words = PRIORITIES[priority].title.lower() if priority else "normal"
        with run.action("change its priority", "changed the priority of", words):
            run.edit_about(priority=priority)
            with lock.held(store.root / LOCK):  # a person may move it at this moment
                status.set_position(run.path, moved(run.status.position, priority))
        changed += 1
    return changed
