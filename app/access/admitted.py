"""The sessions whose visitor may enter: who it is, and how large a file each may upload.

The server accepts uploads from no others.
"""

from dataclasses import dataclass, replace
from threading import Lock

from cifar_core.people import Person

MOST = 10_000  # sessions remembered; one that is used again counts as new
USUAL_MEGABYTES = 50  # of a file, unless the session has been shown a box for larger ones


@dataclass(frozen=True)
class Session:
    """A session of the dashboard, which is one browser tab."""

    person: Person
    megabytes: int = USUAL_MEGABYTES  # of the largest file that it may upload


_sessions: dict[str, Session] = {}  # least recently used first
_lock = Lock()


def add(session: str, visitor: Person) -> None:
    """Remember that the visitor of a session may enter."""
    with _lock:
        known = _sessions.pop(session, Session(visitor))
        _sessions[session] = replace(known, person=visitor)
        if len(_sessions) > MOST:
            del _sessions[next(iter(_sessions))]


def person(session: str) -> Person | None:
    """Return the visitor of a session; None if they may not enter."""
    with _lock:
        return _sessions[session].person if session in _sessions else None


def allow(session: str, megabytes: int) -> None:
    """Let a session that may enter upload files of this size, for a box that it is shown."""
    with _lock:
        if known := _sessions.get(session):
            _sessions[session] = replace(known, megabytes=max(known.megabytes, megabytes))


def most_bytes(session: str) -> int:
    """Return how large a file a session may upload; 0 if its visitor may not enter."""
    with _lock:
        return _sessions[session].megabytes * 2**20 if session in _sessions else 0
