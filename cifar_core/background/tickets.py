"""Which background jobs may work: a few at once; the others wait in the order of their tickets.

A ticket is a file in the store's folder `.jobs`, named by its number, which its process locks for
as long as it lives. So a process that dies gives its place away, and no one has to count.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cifar_core.disk import files, lock
from cifar_core.errors import BusyError

AT_ONCE = 2  # jobs that work at the same time, unless $CIFAR_JOB_SLOTS says otherwise
MOST = 40  # jobs that work or wait in all
MOST_EACH = 8  # jobs of one person that work or wait
VARIABLE = "CIFAR_JOB_SLOTS"
LOOK_SECONDS = 0.5
REMEDY = "Wait until one of them has finished, or cancel one."


@dataclass(frozen=True, kw_only=True)
class Ticket:
    """A place in the queue, and the descriptor that holds its lock."""

    path: Path
    descriptor: int


def take(root: Path, by: str) -> Ticket:
    """Take the last place in a store's queue for a person; BusyError if there are too many."""
    (root / ".jobs").mkdir(parents=True, exist_ok=True)
    with lock.held(root / ".jobs" / "lock"):
        live = in_order(root, tidy=True)
        own = sum(files.read_json(path).get("by") == by for path in live)
        if own >= MOST_EACH:
            raise BusyError(
                f"You already have {own} background jobs, and {MOST_EACH} is the most for one "
                f"person. {REMEDY}"
            )
        if len(live) >= MOST:
            raise BusyError(
                f"There are already {len(live)} background jobs, and {MOST} is the most. {REMEDY}"
            )
        number = max((int(path.stem) for path in live), default=0) + 1
        path = root / ".jobs" / f"{number:09d}.json"
        files.write_json(path, {"by": by}, durable=False)
        descriptor = lock.take(path)
        assert descriptor is not None
        return Ticket(path=path, descriptor=descriptor)


def in_order(root: Path, *, tidy: bool = False) -> list[Path]:
    """Return the tickets of processes that live, first come first; `tidy` removes the others."""
    live = []
    for path in sorted((root / ".jobs").glob("[0-9]*.json")):
        if lock.is_locked(path):
            live.append(path)
        elif tidy:
            path.unlink(missing_ok=True)
    return live


def wait_for_turn(ticket: Path, waiting: Callable[[int], None]) -> None:
    """Return when few enough earlier jobs are left; `waiting` gets how many must end before."""
    while (before := earlier(ticket)) >= slots():
        waiting(before - slots() + 1)
        time.sleep(LOOK_SECONDS)


def earlier(ticket: Path) -> int:
    """Return how many live tickets are before this one."""
    return sum(path.name < ticket.name for path in in_order(ticket.parent.parent))


def slots() -> int:
    """Return how many jobs may work at once; an impossible value counts as AT_ONCE."""
    wanted = os.environ.get(VARIABLE, "").strip()
    return int(wanted) if wanted.isdecimal() and int(wanted) > 0 else AT_ONCE
