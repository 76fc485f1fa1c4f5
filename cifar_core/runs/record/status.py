"""status.json: where a run stands. It changes by compare-and-set, so two hands cannot collide."""

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from cifar_core.disk import files, lock
from cifar_core.disk.checks import LongText, Number, Scalar, Text, Whole
from cifar_core.runs.record.states import FAILURES, STATES

Changes: TypeAlias = dict[str, Any]  # fields of a status that are about to be replaced


class RunStatus(Struct, frozen=True, kw_only=True):
    """Where a run stands, in words for the program and in a sentence for the person."""

    state: Text = ""  # a key of STATES
    reason: Text = ""  # a key of FAILURES when failed; "disk" when paused until there is room
    message: LongText = ""  # one sentence about this run
    action: LongText = ""  # what the person may want to do
    attempt: Whole = 0  # the latest one; 0 before the first
    device: Text = ""  # held while live
    since: Number = 0.0  # unix seconds
    deadline: Number = 0.0  # unix seconds at which a stronger way of stopping follows; 0 for never
    position: Number = 0.0  # place in the queue, lowest first
    deaths: Whole = 0  # attempts in a row that died without a new checkpoint
    suggestion: dict[str, Scalar] = {}  # settings to change in a clone
    needs: Whole = 0  # bytes that must be free on the disk before it goes on

    @property
    def is_live(self) -> bool:
        """Whether a process belongs to it."""
        return STATES[self.state].is_live

    @property
    def is_under_way(self) -> bool:
        """Whether it may change by itself."""
        return is_under_way(self.state, self.reason)


def is_under_way(state: str, reason: str) -> bool:
    """Tell whether a run may change by itself: it lives, or waits for a device or for room."""
    return STATES[state].is_live or state == "queued" or (state == "paused" and reason == "disk")


DAMAGED_FILE = "damaged"  # stands for the state of a run whose status.json cannot be read
DAMAGED = RunStatus(
    state="failed",
    reason="damaged",
    message=FAILURES["damaged"].summary,
    action=FAILURES["damaged"].action,
)


def read(folder: Path) -> RunStatus:
    """Return the run's status; a file that is missing or damaged counts as a failure."""
    status = files.read(folder / "status.json", RunStatus)
    return status if status.state in list(STATES) else DAMAGED


def write(folder: Path, status: RunStatus) -> None:
    """Replace the status without a look at the old one. For new folders only."""
    files.write_json(folder / "status.json", status)


def described(state: str, *, reason: str = "", **changes: Any) -> Changes:
    """Return the fields of a new state, with the table's sentences where none are given."""
    entry = FAILURES[reason] if reason else STATES[state]
    words: Changes = {
        "message": entry.summary,
        "action": entry.action,
        "deadline": 0.0,
        "suggestion": {},
        "needs": 0,
    }
    return {"state": state, "reason": reason, "since": time.time(), **words, **changes}


def move(
    folder: Path,
    expected: Iterable[str],
    to: str,
    *,
    meanwhile: Callable[[], object] = lambda: None,
    **changes: Any,
) -> RunStatus | None:
    """Move the run to another state if it is in one of those expected; None if it is not.

    A status that cannot be read counts as the state DAMAGED_FILE. `meanwhile` is called under
    the run's lock, after the look and before the move.
    """
    try:
        with lock.held(folder / ".lock"):
            old = read(folder)
            if (DAMAGED_FILE if old == DAMAGED else old.state) not in expected:
                return None
            meanwhile()
            new = replace(old, **described(to, **changes))
            write(folder, new)
            return new
    except FileNotFoundError:  # the folder was moved to the trash meanwhile
        return None
