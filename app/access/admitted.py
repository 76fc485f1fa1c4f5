"""The sessions whose person may enter, so that the server takes files from nobody else."""

from threading import Lock

MOST = 10_000  # remembered; a session that is used again counts as new
_sessions: dict[str, None] = {}  # the one used longest ago comes first
_lock = Lock()


def add(session: str) -> None:
    """Remember that the person of a session may enter."""
    with _lock:
        _sessions.pop(session, None)
        _sessions[session] = None
        if len(_sessions) > MOST:
            del _sessions[next(iter(_sessions))]


def has(session: str) -> bool:
    """Tell whether the person of a session may enter."""
    with _lock:
        return session in _sessions
