"""status.json: the state of a run. It changes by compare-and-set, so two writers cannot collide."""

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
    """The state of a run: keys for the program, and a sentence for people."""

    state: Text = ""  # a key of STATES
    reason: Text = ""  # a key of FAILURES: why it failed, is paused until there is space, or waits
    message: LongText = ""  # one sentence about this run
    action: LongText = ""  # what the person may want to do next
    attempt: Whole = 0  # the latest one; 0 before the first
    device: Text = ""  # that it uses while live: "cuda:0, cuda:1", "Slurm", "Slurm n1"
    unanswered: Number = 0.0  # unix seconds since when its backend does not answer; 0: it does
    since: Number = 0.0  # unix seconds
    deadline: Number = 0.0  # unix seconds; then it is stopped more forcefully; 0 for never
    position: Number = 0.0  # in the queue, lowest first
    deaths: Whole = 0  # attempts in a row that died without a new checkpoint
    suggestion: dict[str, Scalar] = {}  # settings to change in a clone
    needs: Whole = 0  # bytes that must be free on the disk before it continues

    @property
    def is_live(self) -> bool:
        """Whether it has a process."""
        return STATES[self.state].is_live

    @property
    def is_under_way(self) -> bool:
        """Whether it may change without a request."""
        return is_under_way(self.state, self.reason)


def is_under_way(state: str, reason: str) -> bool:
    """Return True if a run may change without a request: it is live, or waiting."""
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
    return known(files.read(folder / "status.json", RunStatus))


def known(status: RunStatus) -> RunStatus:
    """Return a status as it is if its state is known, else that of a damaged file."""
    return status if status.state in list(STATES) else DAMAGED


def write(folder: Path, status: RunStatus) -> None:
    """Replace the status, whatever it was. For new folders only."""
    files.write_json(folder / "status.json", status)


def described(state: str, *, reason: str = "", **changes: Any) -> Changes:
    """Return the fields of a new state; sentences that are not given come from the tables."""
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
    provided: Callable[[], bool] = lambda: True,
    **changes: Any,
) -> RunStatus | None:
    """Move the run to another state if it is in one of those expected; None if it is not.

    A status that cannot be read counts as the state DAMAGED_FILE. Both functions are called under
    the run's lock: the run is moved only if `provided` returns True, and `meanwhile` is called
    between that check and the move.
    """
    try:
        with lock.held(folder / ".lock"):
            old = read(folder)
            if (DAMAGED_FILE if old == DAMAGED else old.state) not in expected:
                return None
            if not provided():
                return None
            meanwhile()
            new = replace(old, **described(to, **changes))
            write(folder, new)
            return new
    except FileNotFoundError:  # the folder was moved to the trash meanwhile
        return None


def set_position(folder: Path, position: float) -> bool:
    """Give a run that waits another place in the queue; False if it waits no longer."""
    try:
        with lock.held(folder / ".lock"):
            old = read(folder)
            if old.state == "queued":
                write(folder, replace(old, position=position))
            return old.state == "queued"
    except FileNotFoundError:  # the folder was moved to the trash meanwhile
        return False
