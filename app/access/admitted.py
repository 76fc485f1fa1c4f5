"""The sessions whose visitor may enter, and who it is; no others may upload anything."""

from threading import Lock

from cifar_core.people import Person

MOST = 10_000  # sessions remembered; one that is used again counts as new
_sessions: dict[str, Person] = {}  # least recently used first
_lock = Lock()


def add(session: str, visitor: Person) -> None:
    """Remember that the visitor of a session may enter."""
    with _lock:
        _sessions.pop(session, None)
        _sessions[session] = visitor
        if len(_sessions) > MOST:
            del _sessions[next(iter(_sessions))]


def person(session: str) -> Person | None:
    """Return the visitor of a session; None if they may not enter."""
    with _lock:
        return _sessions.get(session)
