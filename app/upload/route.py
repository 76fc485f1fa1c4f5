"""Takes uploads of images over HTTP: begun, sent in pieces, continued, finished or discarded.

    POST   /upload             {key, title, bytes, files, single, into, label} -> {id, have}
    PUT    /upload/ID?at=N     a piece that begins at byte N -> {have}; 409 {have} if N is wrong
    POST   /upload/ID/done     -> {set}
    DELETE /upload/ID

Every refusal is {why: a sentence}. `Doors` (app/access) checks the host and the role before this;
here are Streamlit's protection against other sites' requests, the owner and the limits. What
arrives goes to the disk at once: at most GATHERED bytes of a piece are in memory.
"""

import time
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
from anyio import to_thread
from starlette.exceptions import HTTPException
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router
from streamlit.web.server.server_util import is_xsrf_enabled
from streamlit.web.server.starlette.starlette_app_utils import validate_xsrf_token
from streamlit.web.server.starlette.starlette_server_config import XSRF_COOKIE_NAME

from app.access.doors import inner_path, visitor_of
from cifar_core.data.formats.formats import open_source
from cifar_core.data.options import options_of
from cifar_core.data.uploads import arriving, limits, names, sets
from cifar_core.disk.checks import Text, Whole
from cifar_core.disk.os_errors import explained
from cifar_core.errors import AccessError, BusyError, CifarError, DataError, DiskFullError
from cifar_core.runs import Store

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Answer = Callable[[Request, Store], Awaitable[Response]]
PREFIX = "/upload"
MOST_ASKED = 20_000  # bytes of a request that begins an upload
MOST_DIGITS = 18  # of a position
MOST_BODY = arriving.PIECE_BYTES + arriving.HEAD_BYTES + 4  # bytes of a piece with its names
GATHERED = 2**20  # bytes that are written to the disk at once
STATUS = {AccessError: 403, BusyError: 423, DiskFullError: 507, CifarError: 400}
OTHER_SITE = (
    "This request does not come from a page of this dashboard. Load the page again, and continue "
    "the upload."
)
NOTHING = "There is nothing at this address that answers such a request. Load the page again."
GONE = "There is no such upload any more: it is complete, or was discarded. Begin it again."


class Announced(msgspec.Struct, frozen=True, kw_only=True):
    """What a browser says of an upload before its first piece."""

    key: Text
    title: Text
    bytes: Whole
    files: Whole
    single: bool = False
    into: Text = ""
    label: Text = ""


class Arrivals:
    """Answers the requests below PREFIX, and passes on all others."""

    def __init__(self, app: Any) -> None:
        self.app = app
        router = Router([
            Route(PREFIX, guarded(begin), methods=["POST"]),
            Route(f"{PREFIX}/{{id}}", guarded(take), methods=["PUT"]),
            Route(f"{PREFIX}/{{id}}/done", guarded(finish), methods=["POST"]),
            Route(f"{PREFIX}/{{id}}", guarded(discard), methods=["DELETE"]),
        ], redirect_slashes=False)  # fmt: skip
        self.router = ExceptionMiddleware(router, handlers={HTTPException: nothing_there})

    async def __call__(self, scope: Message, receive: Any, send: Send) -> None:
        """Pass on a request, or answer it."""
        path = inner_path(scope.get("path", ""))
        if scope["type"] == "http" and (path == PREFIX or path.startswith(f"{PREFIX}/")):
            await self.router({**scope, "path": path, "root_path": ""}, receive, send)
        else:
            await self.app(scope, receive, send)


def guarded(answer: Answer) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint that refuses other sites and says why something cannot be done."""

    async def answered(request: Request) -> Response:
        person = visitor_of(request)
        if person is None or not from_this_site(request):
            return refused(OTHER_SITE, 403)
        store = Store.default(person)
        try:
            return await answer(request, store)
        except (CifarError, OSError) as error:
            status = next((code for kind, code in STATUS.items() if isinstance(error, kind)), 500)
            return refused(explained(error, store.root.absolute()), status)

    return answered


async def nothing_there(request: Request, error: Exception) -> Response:
    """Answer a request that no route is for; GET and HEAD are not answered otherwise."""
    return refused(NOTHING, getattr(error, "status_code", 404))


def from_this_site(request: Request) -> bool:
    """Whether a page of this dashboard sent a request, as Streamlit decides it for its uploads."""
    supplied, cookie = request.headers.get("x-xsrftoken"), request.cookies.get(XSRF_COOKIE_NAME)
    return not is_xsrf_enabled() or validate_xsrf_token(supplied, cookie)


def refused(why: str, status: int, **more: Any) -> Response:
    """Answer with a sentence; the connection ends, as the rest of the request is not read."""
    return JSONResponse({"why": why, **more}, status, headers={"connection": "close"})


async def begin(request: Request, store: Store) -> Response:
    """Begin an upload, or find the one that the same files began."""
    try:
        announced = msgspec.json.decode(await small(request), type=Announced)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise DataError("The request is not valid. Load the page again.") from error
    upload = await to_thread.run_sync(begun, store, announced)
    return JSONResponse({"id": upload.id, "have": upload.reached.bytes})


async def small(request: Request) -> bytes:
    """Return the body of a request that may not be large."""
    body = b""
    async for data in request.stream():
        body += data
        if len(body) > MOST_ASKED:
            raise DataError("The request is too long. Give the upload a shorter name.")
    return body


def begun(store: Store, announced: Announced) -> arriving.Upload:
    """Begin an upload for a person who may, and write it into the log."""
    into = sets.one(store.root, announced.into) if announced.into else None
    with store.action(
        "upload images", "began to upload", announced.title, owner=into.owner if into else ""
    ) as line:
        wanted = arriving.Begun(
            key=announced.key, owner=store.by.name, title=announced.title, bytes=announced.bytes,
            files=announced.files, single=announced.single, into=announced.into,
            label=announced.label, folder=folder_for(store, into, announced.label), at=time.time(),
        )  # fmt: skip
        with sets.changing(store.root):
            found = arriving.same(store.root, wanted)
            line.skip = found is not None
            if found is None:
                limits.check(store.root, store.by, announced.bytes)
                found = arriving.begin(store.root, wanted)
    return found


def folder_for(store: Store, into: sets.UploadedSet | None, label: str) -> str:
    """Return the folder of a set that pictures of a class are put into; "" without a class."""
    if not label:
        return ""
    label = names.safe_label(label)
    if into is None or into.by_class:
        return label
    source = into.source(store.root)
    contents = open_source(Path(source), options_of(store.root, source), store.root)
    return names.safe_path(sets.folder_of_class(contents.items, label))


async def take(request: Request, store: Store) -> Response:
    """Write a piece to the disk, if it begins where the last one ended."""
    upload = own(store, request)
    if upload is None:
        return refused(GONE, 404)
    at, length = request.query_params.get("at", ""), request.headers.get("content-length", "0")
    if not is_whole(at) or not is_whole(length):
        return refused("The piece does not say where it belongs. Load the page again.", 400)
    if int(length) > MOST_BODY:
        return refused("The piece is too large. Load the page again.", 413)
    with arriving.only_one(upload):
        have = upload.reached.bytes
        if int(at) != have:
            return refused("The upload continues elsewhere.", 409, have=have)
        piece = arriving.Piece(upload)
        try:
            await pour(request, piece)
        finally:
            have = piece.close()
    return JSONResponse({"have": have})


def is_whole(text: str) -> bool:
    """Whether a text is a number of bytes."""
    return text.isdecimal() and len(text) <= MOST_DIGITS


async def pour(request: Request, piece: arriving.Piece) -> None:
    """Write the body of a request to the disk while it arrives; a cut connection ends it."""
    gathered, seen = bytearray(), 0
    with suppress(ClientDisconnect):
        async for data in request.stream():
            gathered += data
            seen += len(data)
            if seen > MOST_BODY:
                raise DataError("The piece is too large. Load the page again.")
            if len(gathered) >= GATHERED:
                await to_thread.run_sync(piece.write, bytes(gathered))
                gathered.clear()
    if gathered:
        await to_thread.run_sync(piece.write, bytes(gathered))


async def finish(request: Request, store: Store) -> Response:
    """Make a set of a complete upload; the same again if the answer was lost."""
    upload = own(store, request)
    if upload is None:
        made = await to_thread.run_sync(sets.made_of, store.root, request.path_params["id"])
        return JSONResponse({"set": made.name}) if made else refused(GONE, 404)
    found = await to_thread.run_sync(finished, store, upload)
    return JSONResponse({"set": found.name})


def finished(store: Store, upload: arriving.Upload) -> sets.UploadedSet:
    """Make a set of an upload, and write it into the log."""
    with store.action(
        "upload images", "uploaded", upload.begun.title, owner=upload.begun.owner
    ) as line:
        found, is_new = sets.finish(store.root, upload)
        line.skip = not is_new
        return found


async def discard(request: Request, store: Store) -> Response:
    """Delete what has arrived of an upload."""
    if upload := own(store, request):
        await to_thread.run_sync(discarded, store, upload)
    return JSONResponse({})


def discarded(store: Store, upload: arriving.Upload) -> None:
    """Delete what has arrived of an upload, and write it into the log."""
    begun = upload.begun
    with store.action("discard an upload", "discarded the upload of", begun.title,
                      owner=begun.owner):  # fmt: skip
        arriving.discard(upload)


def own(store: Store, request: Request) -> arriving.Upload | None:
    """Return the upload of a request; None if there is none, or another person began it."""
    upload = arriving.find(store.root, request.path_params["id"])
    return upload if upload and upload.begun.owner == store.by.name else None
