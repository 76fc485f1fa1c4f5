"""Runs that failed lately, without those that a person has dismissed or that were taken care of."""

import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from msgspec import Struct

from cifar_core.disk import files, lock
from cifar_core.disk.checks import Text, Texts
from cifar_core.runs.store.run_row import RunRow

NAME = "failures_seen.json"
MOST = 200  # dismissed failures that are kept of each person


class FailuresSeen(Struct, frozen=True, kw_only=True):
    """The failures that each person has dismissed."""

    people: dict[Text, Texts] = {}


def yesterday(now: float | None = None) -> float:
    """Return when yesterday began on this machine, in unix seconds."""
    today = datetime.fromtimestamp(time.time() if now is None else now)
    midnight = today.replace(hour=0, minute=0, second=0, microsecond=0)
    return (midnight - timedelta(days=1)).timestamp()


def lately_failed(root: Path, rows: Iterable[RunRow], person: str) -> list[RunRow]:
    """Return the runs that failed since yesterday, the latest first.

    Without those that the person has dismissed, and those that were cloned since.
    """
    rows, since = list(rows), yesterday()
    failed = [row for row in rows if row.state == "failed" and not row.example]
    failed = [row for row in failed if (row.ended_at or 0) >= since]
    if not failed:
        return []
    dismissed = set(files.read(root / NAME, FailuresSeen).people.get(person, []))
    cloned = {row.parent: row.created_at for row in rows if row.parent}
    left = [
        row
        for row in failed
        if key_of(row) not in dismissed and cloned.get(row.id, 0) < (row.ended_at or 0)
    ]
    return sorted(left, key=lambda row: row.ended_at or 0, reverse=True)


def key_of(row: RunRow) -> str:
    """Return what identifies a failure: another one of the same run is shown again."""
    return f"{row.id} {row.ended_at or 0:.3f}"


def dismiss(root: Path, rows: Iterable[RunRow], person: str) -> None:
    """Do not show these failures to a person again."""
    new = [key_of(row) for row in rows]
    with lock.held(root / ".failures.lock"):
        files.edit(
            root / NAME,
            FailuresSeen,
            lambda old: {
                "people": {**old.people, person: [*old.people.get(person, []), *new][-MOST:]}
            },
        )
