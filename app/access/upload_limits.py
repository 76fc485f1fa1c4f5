"""How large an upload may be, and how much those of one person, and of all, may take in memory.

Streamlit keeps each file in memory until its session ends or its page removes it, and limits only
the single file.
"""

import ctypes
import platform
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from threading import Lock
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from streamlit.runtime import Runtime

from app.access import admitted
from cifar_core.people import VIEWER, Person

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
MEGA = 10**6
MOST_VIEWER = 100 * MEGA  # bytes of one viewer in all sessions: pictures
MOST_OTHERS = 600 * MEGA  # bytes of one person who may import runs
MOST = 1200 * MEGA  # bytes of all
FOLDER = "/_stcore/upload_file/"
FORM_BYTES = 10_000  # of an upload besides its file: boundaries and names
_arriving: dict[str, int] = {}  # session -> bytes of the files that are being sent
_lock = Lock()
_seen = 0  # bytes held when memory was last given back


class Uploads:
    """Accepts uploads only in sessions that `admission` has admitted, and up to the limits."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Message, receive: Any, send: Send) -> None:
        """Pass on a request, unless it uploads what may not enter or does not fit."""
        _, _, rest = scope.get("path", "").partition(FOLDER)
        if scope["type"] != "http" or not rest or scope["method"] == "OPTIONS":
            await self.app(scope, receive, send)
            return
        session = rest.partition("/")[0]
        person = admitted.person(session)
        if person is None:
            why = "Only visitors who may enter can upload: log in."
            await PlainTextResponse(why, 403)(scope, receive, send)
        elif scope["method"] != "PUT":
            await self.app(scope, receive, send)
            give_back()
        elif (size := length_of(scope)) is None:
            why = "An upload must say its size in the header Content-Length."
            await PlainTextResponse(why, 411)(scope, receive, send)
        else:
            with announced(session, person, size) as why:
                answer = PlainTextResponse(why, 413) if why else self.app
                await answer(scope, receive, send)


def length_of(scope: Message) -> int | None:
    """Return how many bytes a request sends; None if it does not say it."""
    text = Headers(scope=scope).get("content-length", "")
    return int(text) if text.isdecimal() else None


@contextmanager
def announced(session: str, person: Person, size: int) -> Iterator[str]:
    """Count a file while it is sent; yield why it does not fit, or an empty text."""
    with _lock:
        why = obstacle(session, person, size)
        if not why:
            _arriving[session] = _arriving.get(session, 0) + size
    try:
        yield why
    finally:
        if not why:
            with _lock:
                _arriving[session] -= size
                if _arriving[session] <= 0:
                    del _arriving[session]


def obstacle(session: str, person: Person, size: int) -> str:
    """Return why a file of a person does not fit, and what to do; empty if it does."""
    if size > (most := admitted.most_bytes(session)) + FORM_BYTES:
        return f"The file is too large: at most {most // 2**20} MB can be uploaded here."
    by_session = held()
    own = sum(n for session, n in by_session.items() if is_of(session, person))
    limit = MOST_VIEWER if person.role is VIEWER else MOST_OTHERS
    if own + size > limit:
        return (
            f"Your uploads take {own / MEGA:,.0f} MB, and with this file they would exceed the "
            f"{limit / MEGA:,.0f} MB of one person. Remove some, or close other tabs."
        )
    if sum(by_session.values()) + size > MOST:
        return (
            f"The uploads of all visitors would exceed {MOST / MEGA:,.0f} MB. Try again in ten "
            "minutes."
        )
    return ""


def is_of(session: str, person: Person) -> bool:
    """Whether a session is a person's."""
    other = admitted.person(session)
    return other is not None and other.name == person.name


def held() -> dict[str, int]:
    """Return how many bytes each session has in memory or is sending."""
    files = getattr(Runtime.instance().uploaded_file_mgr, "file_storage", {})
    sizes = {
        session: sum(len(file.data) for file in list(kept.values()))
        for session, kept in list(files.items())
    }
    for session, size in _arriving.items():
        sizes[session] = sizes.get(session, 0) + size
    return sizes


def give_back() -> None:
    """Return the memory of removed files to the operating system, if it is worth while.

    The C library keeps freed blocks of this size for itself otherwise.
    """
    global _seen
    if not Runtime.exists():
        return
    now = sum(held().values())
    if now < _seen - 10 * MEGA and platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).malloc_trim(0)
    _seen = now
