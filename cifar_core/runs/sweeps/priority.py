"""Gives runs another priority in the queue."""

from collections.abc import Sequence

from cifar_core.runs.record import status
from cifar_core.runs.record.queue.priorities import PRIORITIES, moved
from cifar_core.runs.record.run import Run
from cifar_core.runs.store.run_row import RunRow
from cifar_core.runs.store.store import Store


def prioritize(store: Store, rows: Sequence[RunRow], priority: str) -> int:
    """Give runs a priority, a key of PRIORITIES or empty for a normal one; return how many changed.

    Those that wait move to their new place at once; the others take it when they wait again.
    """
    changed = 0
    for row in rows:
        run = Run(store.root / "runs" / row.id, store.by)
        before = run.about.priority
        if before == priority:
            continue
        words = PRIORITIES[priority].title.lower() if priority else "normal"
        with run.action("change its priority", "changed the priority of", words):
            run.edit_about(priority=priority)
            now = run.status
            status.move(
                run.path, ("queued",), "queued", position=moved(now.position, before, priority),
                reason=now.reason, message=now.message, action=now.action, since=now.since,
            )  # fmt: skip
        changed += 1
    return changed
