"""Who did what: one line for each change that a person asked of the store.

activity.jsonl is only appended to; when it grows beyond LONGEST bytes it becomes
activity-old.jsonl, whose place it takes.
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
    """One change."""

    at: float  # unix seconds
    by: str  # the person's name
    did: str  # such as "stopped"
    run: str = ""  # its id, if it was done to one
    detail: str = ""


def note(root: Path, *, by: str, did: str, run: str = "", detail: str = "") -> None:
    """Write a change down."""
    deed = Action(at=time.time(), by=by, did=did, run=run, detail=detail)
    path = root / NAME
    files.append_line(path, {key: value for key, value in asdict(deed).items() if value != ""})
    if path.stat().st_size > LONGEST:
        make_room(root)


def make_room(root: Path) -> None:
    """Put the full file aside; of several who see it full, one does."""
    with lock.held(root / ".activity.lock"):
        path = root / NAME
        if path.stat().st_size > LONGEST:
            path.replace(root / OLD)
            path.touch()


def deeds(root: Path, run: str = "", most: int = 200) -> list[Action]:
    """Return the latest changes, newest first; of one run if it is named."""
    rows = [row for name in (OLD, NAME) for row in files.read_lines(root / name)[0]]
    found = [deed for row in reversed(rows) if (deed := deed_of(row))]
    return [deed for deed in found if run in ("", deed.run)][:most]


def deed_of(row: Any) -> Action | None:
    """Return the change that a line tells of; None if the line is damaged."""
    if not isinstance(row, dict) or not is_a(row.get("at"), Moment):
        return None
    words = {key: str(row.get(key, "")) for key in ("by", "did", "run", "detail")}
    return Action(at=float(row["at"]), **words)
