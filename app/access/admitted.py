"""The sessions whose visitor may enter; the server accepts uploads from no others."""

from threading import Lock

MOST = 10_000  # sessions remembered; one that is used again counts as new
_sessions: dict[str, None] = {}  # least recently used first
_lock = Lock()


def add(session: str) -> None:
    """Remember that the visitor of a session may enter."""
    with _lock:
        _sessions.pop(session, None)
        _sessions[session] = None
        if len(_sessions) > MOST:
            del _sessions[next(iter(_sessions))]


def has(session: str) -> bool:
    """Whether the visitor of a session may enter."""
    with _lock:
        return session in _sessions
