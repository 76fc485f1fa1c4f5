"""Which paths of the server answer whom: by the name it is called by, and by the log-in.

Streamlit checks the Host header only where a page opens its websocket, and a log-in only where a
page is drawn; everything else that it serves would answer anyone.
"""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import urlsplit

import streamlit as st
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME
from streamlit.web.server.starlette.starlette_websocket import (
    _get_signed_cookie_with_chunks as signed_cookie,
)
from streamlit.web.server.starlette.starlette_websocket import (
    _parse_decoded_user_cookie as user_in,
)
from streamlit.web.server.starlette.starlette_websocket import gather_user_info, is_host_allowed

from app.access import admission
from app.access.login import has_login, obstacle
from cifar_core.people import ADMIN, OPERATOR, VIEWER, Person, Role, an

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
HEALTH = "/_stcore/health"  # says only ok, to load balancers and containers under any name
# of the server's own paths, what a browser needs before a log-in: no one's data is in it
OPEN = ("/_stcore/stream", "/_stcore/host-config", "/_stcore/bidi-components/")
NEEDED = {  # the role that the other paths need; the front end and its static files are open
    "/_stcore/metrics": ADMIN,
    "/_stcore/": VIEWER,
    "/media/": VIEWER,
    "/upload": OPERATOR,  # images that are sent to the disk (app/upload)
}
WRONG_NAME = (
    "This dashboard does not answer to the name in its address. Open it by a name that "
    "server.allowedHosts lists, or ask an admin of this lab to add this one to "
    "STREAMLIT_SERVER_ALLOWED_HOSTS."
)
NO_ENTRY = "Only visitors who may enter can open this: log in, or ask an admin of this lab."
NO_ROLE = "You are {} here, but this needs {}. Ask an admin of this lab to make you one."


class Doors:
    """Lets a request pass if the server is called by its name and the visitor may enter there."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Message, receive: Any, send: Send) -> None:
        """Pass on a request, or answer 403 with the reason."""
        path = inner_path(scope.get("path", ""))
        if scope["type"] == "http" and path != HEALTH:
            connection = HTTPConnection(scope)
            why = ""
            if not is_host_allowed(connection.headers.get("host")):
                why = WRONG_NAME
            elif role := needed(path):
                why = refusal(visitor_of(connection), role)
            if why:
                await PlainTextResponse(why, 403)(scope, receive, send)
                return
        await self.app(scope, receive, send)


def inner_path(path: str) -> str:
    """Return a path without the one that the dashboard is published under."""
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return path.removeprefix(f"/{base}") if base and path.startswith(f"/{base}/") else path


def needed(path: str) -> Role | None:
    """Return the role that a path needs; None if it is open to everyone."""
    if path.startswith(OPEN):
        return None
    return next((role for start, role in NEEDED.items() if path.startswith(start)), None)


def refusal(visitor: Person | None, role: Role) -> str:
    """Return why a visitor may not pass where a role is needed; empty if they may."""
    if visitor is None:
        return NO_ENTRY
    return "" if visitor.may(role) else NO_ROLE.format(an(visitor.role), an(role))


def visitor_of(connection: HTTPConnection) -> Person | None:
    """Return who makes a request, as `admission` decides it for pages; None if they may not."""
    if has_login() and obstacle():
        return None
    return admission.visitor(user_of(connection))


def user_of(connection: HTTPConnection) -> Mapping[str, Any]:
    """Return what the log-in's signed cookie, or the proxy's headers, say of the visitor."""
    if has_login():
        cookie = signed_cookie(connection.cookies, USER_COOKIE_NAME)
        # a request for a picture names no origin; the cookie must be of this dashboard's
        home = urlsplit(str(st.secrets["auth"]["redirect_uri"]))
        return user_in(cookie, f"{home.scheme}://{home.netloc}") if cookie else {}
    return gather_user_info(connection.headers) if admission.from_proxy() else {}
