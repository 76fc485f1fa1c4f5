"""The dashboard as a server: python -m streamlit run app/server.py. Adds what browsers should know.

Streamlit itself sends none of these headers; a proxy in front may set stricter ones.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.middleware import Middleware
from streamlit.starlette import App

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


app = App("streamlit_app.py", middleware=[Middleware(Headers)])
