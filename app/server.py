"""The dashboard as a server: python -m streamlit run app/server.py.

Streamlit itself sends no security headers; a proxy in front may set stricter ones. It does not say
that a login failed, or why, either; `app/access` has what else it leaves open.
"""

import sys
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # so that `import app` works

from cifar_core.installation import require_posix

require_posix()  # before anything that cannot be imported on Windows

from starlette.middleware import Middleware  # noqa: E402
from streamlit.starlette import App  # noqa: E402

from app import boundary  # noqa: E402
from app.access.doors import Doors  # noqa: E402
from app.access.upload_limits import Uploads  # noqa: E402
from app.upload.route import Arrivals  # noqa: E402

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
HEADERS = {
    b"content-security-policy": b"frame-ancestors 'self'; object-src 'none'; base-uri 'self'",
    b"x-frame-options": b"SAMEORIGIN",  # for browsers that do not know frame-ancestors
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"same-origin",  # addresses contain the names of runs
    b"permissions-policy": b"camera=(self), microphone=(), geolocation=()",
}


class Headers:
    """Adds HEADERS to every response that does not set them itself."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Message, receive: Any, send: Send) -> None:
        """Pass on a request and its response."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name.lower() for name, _ in message["headers"]}
                more = [pair for pair in HEADERS.items() if pair[0] not in present]
                message["headers"] = [*message["headers"], *more]
            await send(message)

        await self.app(scope, receive, with_headers)


class FailedLogins:
    """Sends a visitor whose login failed back to the welcome page, which says why (login.py)."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Message, receive: Any, send: Send) -> None:
        """Pass on a step of the login, and its response unless that is a failure."""
        path = scope.get("path", "")
        step = next((step for step in STEPS if path.endswith(step)), "")
        if scope["type"] != "http" or not step:
            await self.app(scope, receive, send)
            return
        response: list[Message] = []

        async def keep(message: Message) -> None:
            response.append(message)

        await self.app(scope, receive, keep)
        why = STEPS[step](parse_qs(scope["query_string"].decode("latin-1")), response[0])
        if why:
            home = f"{path.removesuffix(step)}/?login={why}".encode()
            cookies = [pair for pair in response[0]["headers"] if pair[0] == b"set-cookie"]
            headers = [(b"location", home), (b"content-length", b"0"), *cookies]
            response = [
                {"type": "http.response.start", "status": 302, "headers": headers},
                {"type": "http.response.body", "body": b""},
            ]
        for message in response:
            await send(message)


def failed_to_start(_query: dict[str, list[str]], response: Message) -> str:
    """Return why a browser could not be sent to the provider; empty if it was."""
    return "unreachable" if response["status"] >= 400 else ""


def failed_to_finish(query: dict[str, list[str]], response: Message) -> str:
    """Return why a visitor whom the provider sent back is not logged in; empty if they are.

    A log-out returns here too, without a login.
    """
    if "error" in query:
        return "cancelled"
    cookies = [value.lower() for name, value in response["headers"] if name == b"set-cookie"]
    users = [c for c in cookies if c.startswith(b"_streamlit_user=") and b"max-age=0" not in c]
    return "refused" if "code" in query and not users else ""


STEPS = {"/auth/login": failed_to_start, "/oauth2callback": failed_to_finish}

app = App(
    "streamlit_app.py",
    middleware=[Middleware(of) for of in (Headers, Doors, Arrivals, Uploads, FailedLogins)],
    on_script_error=boundary.on_fault,
)
