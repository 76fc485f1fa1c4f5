"""The dashboard as a server: python -m streamlit run app/server.py. Adds what browsers should know.

Streamlit itself sends none of these headers; a proxy in front may set stricter ones. Nor does it
say that a log-in came to nothing, or why, and it takes files from whoever opens a page.
"""

import sys
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # so that `import app` works

from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from streamlit.starlette import App

from app.access import admitted
from cifar_core.installation import require_posix

require_posix()
Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
HEADERS = {
    b"content-security-policy": b"frame-ancestors 'self'; object-src 'none'; base-uri 'self'",
    b"x-frame-options": b"SAMEORIGIN",  # for browsers that do not know frame-ancestors
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"same-origin",  # addresses hold the names of runs
    b"permissions-policy": b"camera=(self), microphone=(), geolocation=()",
}


class Headers:
    """Adds HEADERS to every answer that does not set them itself."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Message, receive: Any, send: Send) -> None:
        """Pass a request on, and its answer back."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name.lower() for name, _ in message["headers"]}
                more = [pair for pair in HEADERS.items() if pair[0] not in present]
                message["headers"] = [*message["headers"], *more]
            await send(message)

        await self.app(scope, receive, with_headers)


class Uploads:
    """Takes files only in sessions that app/access/admission.py has let in."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Message, receive: Any, send: Send) -> None:
        """Pass a request on, unless it brings a file from somebody who may not enter."""
        _, _, rest = scope.get("path", "").partition("/_stcore/upload_file/")
        if scope["type"] == "http" and rest and scope["method"] != "OPTIONS":
            session = rest.partition("/")[0]
            if not admitted.has(session):
                refusal = PlainTextResponse("Files are taken only from who may enter: log in.", 403)
                await refusal(scope, receive, send)
                return
        await self.app(scope, receive, send)


class FailedLogins:
    """Sends whoever a log-in failed for back to the welcome page, which says so (login.py)."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Message, receive: Any, send: Send) -> None:
        """Pass a step of the log-in on, and its answer back unless it is a failure."""
        path = scope.get("path", "")
        step = next((step for step in STEPS if path.endswith(step)), "")
        if scope["type"] != "http" or not step:
            await self.app(scope, receive, send)
            return
        answer: list[Message] = []

        async def keep(message: Message) -> None:
            answer.append(message)

        await self.app(scope, receive, keep)
        why = STEPS[step](parse_qs(scope["query_string"].decode("latin-1")), answer[0])
        if why:
            home = f"{path.removesuffix(step)}/?login={why}".encode()
            cookies = [pair for pair in answer[0]["headers"] if pair[0] == b"set-cookie"]
            headers = [(b"location", home), (b"content-length", b"0"), *cookies]
            answer = [
                {"type": "http.response.start", "status": 302, "headers": headers},
                {"type": "http.response.body", "body": b""},
            ]
        for message in answer:
            await send(message)


def failed_to_start(_query: dict[str, list[str]], answer: Message) -> str:
    """Return why a browser could not be sent to the provider; empty if it was."""
    return "unreachable" if answer["status"] >= 400 else ""


def failed_to_finish(query: dict[str, list[str]], answer: Message) -> str:
    """Return why nobody is logged in although the provider sent somebody; empty if one is.

    The way back from a log-out leads here too, without any question of a log-in.
    """
    if "error" in query:
        return "cancelled"
    cookies = [value.lower() for name, value in answer["headers"] if name == b"set-cookie"]
    given = [c for c in cookies if c.startswith(b"_streamlit_user=") and b"max-age=0" not in c]
    return "refused" if "code" in query and not given else ""


STEPS = {"/auth/login": failed_to_start, "/oauth2callback": failed_to_finish}

app = App(
    "streamlit_app.py", middleware=[Middleware(of) for of in (Headers, Uploads, FailedLogins)]
)
