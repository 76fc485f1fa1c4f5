"""Who may do what, and who did it: one line for each action of a person in the store.

Whatever a person changes is changed inside `action`, which is the only place where a role is
checked and a line is written; tests/runs/test_actions.py finds what goes around it.

activity.jsonl is only appended to; beyond LONGEST bytes it is renamed to activity-old.jsonl,
which it replaces.
"""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from cifar_core.disk import files, lock
from cifar_core.disk.checks import Moment, is_a
from cifar_core.people import OPERATOR, Person, Role

NAME, OLD = "activity.jsonl", "activity-old.jsonl"
LONGEST = 2_000_000  # bytes, about 15,000 lines


class Action(Struct, frozen=True, kw_only=True):
    """A request of a person to the store, as the history lists it."""

    at: float  # unix seconds
    by: str  # the person's name
    did: str  # such as "stopped"
    run: str = ""  # its id; empty if it concerned no single run
    detail: str = ""


@dataclass(kw_only=True)
class Line:
    """The line that an action is going to leave in the log; its block may complete it."""

    run: str = ""  # the id of the run that it concerns
    detail: str = ""
    skip: bool = False  # nothing was changed, so there is nothing to write down


Change = AbstractContextManager[Line]  # what `action` returns


@contextmanager
def action(
    root: Path,
    by: Person,
    request: str,
    did: str,
    *,
    needed: Role = OPERATOR,
    owner: str = "",
    run: str = "",
    detail: str = "",
) -> Iterator[Line]:
    """Change the store in a `with` block, if the person may; afterwards the log has a line.

    `request` completes "may not ..."; `did` is what the log says of it. For what belongs to
    another `owner` the person must be an admin. Raises AccessError before anything is changed.
    """
    by.must(needed, request, owner)
    line = Line(run=run, detail=detail)
    yield line
    if not line.skip:
        note(root, by=by.name, did=did, run=line.run, detail=line.detail)


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
