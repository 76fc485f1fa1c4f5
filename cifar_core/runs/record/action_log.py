"""Who did what: one line for each action of a person in the store.

activity.jsonl is only appended to; beyond LONGEST bytes it is renamed to activity-old.jsonl,
which it replaces.
"""

import time
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from cifar_core.disk import files, lock
from cifar_core.disk.checks import Moment, is_a

NAME, OLD = "activity.jsonl", "activity-old.jsonl"
LONGEST = 2_000_000  # bytes, about 15,000 lines


class Action(Struct, frozen=True, kw_only=True):
    """A request of a person to the store, as the history lists it."""

    at: float  # unix seconds
    by: str  # the person's name
    did: str  # such as "stopped"
    run: str = ""  # its id; empty if it concerned no single run
    detail: str = ""


def note(root: Path, *, by: str, did: str, run: str = "", detail: str = "") -> None:
    """Append an action to the log."""
    action = Action(at=time.time(), by=by, did=did, run=run, detail=detail)
    path = root / NAME
    files.append_line(path, {key: value for key, value in asdict(action).items() if value != ""})
    if path.stat().st_size > LONGEST:
        rotate(root)


def rotate(root: Path) -> None:
    """Rename a full log; of several processes that see it full, only one does."""
    with lock.held(root / ".activity.lock"):
        path = root / NAME
        if path.stat().st_size > LONGEST:
            path.replace(root / OLD)
            path.touch()


def latest(root: Path, run: str = "", most: int = 200) -> list[Action]:
    """Return at most `most` actions, newest first; those of one run if its id is given."""
    rows = [row for name in (OLD, NAME) for row in files.read_lines(root / name)[0]]
    actions = [action for row in reversed(rows) if (action := action_of(row))]
    return [action for action in actions if run in ("", action.run)][:most]


def action_of(row: Any) -> Action | None:
    """Return the action that a line records; None if the line is damaged."""
    if not isinstance(row, dict) or not is_a(row.get("at"), Moment):
        return None
    words = {key: str(row.get(key, "")) for key in ("by", "did", "run", "detail")}
    return Action(at=float(row["at"]), **words)
