"""The sessions whose visitor may enter, and how large a file each may upload.

The server accepts uploads from no others.
"""

from threading import Lock

MOST = 10_000  # sessions remembered; one that is used again counts as new
USUAL_MEGABYTES = 20  # of a file, unless the session has been shown a box for larger ones
_sessions: dict[str, int] = {}  # the most megabytes of a file; least recently used first
_lock = Lock()


def add(session: str) -> None:
    """Remember that the visitor of a session may enter."""
    with _lock:
        _sessions[session] = _sessions.pop(session, USUAL_MEGABYTES)
        if len(_sessions) > MOST:
            del _sessions[next(iter(_sessions))]


def has(session: str) -> bool:
    """Whether the visitor of a session may enter."""
    with _lock:
        return session in _sessions


def allow(session: str, megabytes: int) -> None:
    """Let a session that may enter upload files of this size, for a box that it is shown."""
    with _lock:
        if session in _sessions:
            _sessions[session] = max(_sessions[session], megabytes)


def most_bytes(session: str) -> int:
    """Return how large a file a session may upload; 0 if its visitor may not enter."""
    with _lock:
        return _sessions.get(session, 0) * 2**20
