"""Talks to the dashboard of a Ray cluster: short answers, no redirects, no proxies, in time."""

import contextlib
import http.client
import os
import socket
import ssl
import stat
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cifar_core.disk.os_errors import reason
from cifar_core.runs.backends.address import Address, may_be_clear, not_private
from cifar_core.runs.backends.backend import NoAnswerError

SECONDS = 10.0  # for a whole answer
MOST_BYTES = 32_000_000  # of an answer; a list of 10,000 jobs has about 15 million
BLOCK = 2**16
LONGEST_TOKEN = 10_000  # characters
TOKEN, TOKEN_FILE = "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What a server answered."""

    status: int
    body: bytes


class UnusableError(http.client.HTTPException):
    """An answer that cannot be used; its text is a sentence of this module, not the server's."""


def has_token() -> bool:
    """Return True if this machine seems to have a token for Ray."""
    return bool(os.environ.get(TOKEN, "").strip()) or token_file().exists()


def token_file() -> Path:
    """Return the file that the token is read from."""
    named = os.environ.get(TOKEN_FILE, "")
    return Path(named) if named else Path.home() / ".ray" / "auth_token"


def token_here() -> str:
    """Return the token as Ray itself finds it: in a variable, a file that another names, or ~/.ray.

    Raises OSError with a sentence if there is none, or others can read it. It is not kept.
    """
    token = os.environ.get(TOKEN, "").strip() or from_file()
    if len(token) > LONGEST_TOKEN or not token.isascii() or not token.isprintable():
        raise OSError("The token for Ray is not one line of printable characters; correct it")
    return token


def from_file() -> str:
    """Return the token in its file."""
    path = token_file()
    try:
        with path.open(encoding="ascii", errors="replace") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read(LONGEST_TOKEN + 1).strip()
    except OSError:
        text, mode = "", 0
    if not text:
        raise OSError(
            f"This machine has no token for Ray; save it in {path}, which only you may read "
            f"(chmod 600), or set ${TOKEN} where the dashboard starts"
        )
    if stat.S_IMODE(mode) & 0o077:
        raise OSError(
            f"Others can read the token for Ray; take the right to with: chmod 600 {path}"
        )
    return text


def ask(address: Address, method: str, path: str, body: bytes = b"", token: str = "") -> Reply:
    """Return the answer to a request.

    Raises NoAnswerError if there is none in time, and OSError for an address that must not be used.
    """
    deadline = time.monotonic() + SECONDS
    try:
        plain = socket.create_connection((address.host, address.port), timeout=SECONDS / 2)
    except (OSError, UnicodeError) as error:
        raise NoAnswerError(f"{address.host}:{address.port} cannot be reached: {reason(error)}") \
            from error  # fmt: skip
    held: list[Any] = [plain]
    watch = threading.Timer(max(0.0, deadline - time.monotonic()), cut, [held])
    watch.daemon = True
    watch.start()
    try:
        reply = exchanged(address, held, method, path, body, token)
        if time.monotonic() >= deadline:  # it was cut off, which looks like an end
            raise TimeoutError
    except ssl.SSLCertVerificationError as error:
        raise OSError(
            f"The certificate of {address.host} is not valid ({error.verify_message.rstrip('.')}); "
            "renew it, or name its authority in $SSL_CERT_FILE"
        ) from error
    except ssl.SSLError as error:
        raise OSError(f"{address.host}:{address.port} does not speak https; use http there if it "
                      "is on a private network") from error  # fmt: skip
    except (OSError, http.client.HTTPException, ValueError) as error:
        if isinstance(error, OSError) and not is_of_the_network(error):
            raise
        words = why(error) if time.monotonic() < deadline else f"it took over {SECONDS:.0f} s"
        # without the error itself, whose text may repeat the token
        raise NoAnswerError(f"{address.host}:{address.port} did not answer: {words}") from None
    else:
        return reply
    finally:
        watch.cancel()
        for one in held:
            one.close()


def is_of_the_network(error: OSError) -> bool:
    """Return True if a connection failed; False for a sentence about an address."""
    return bool(error.errno) or isinstance(error, (TimeoutError, ConnectionError))


def why(error: Exception) -> str:
    """Return why there was no answer, without the server's words: they may repeat the token."""
    if isinstance(error, (OSError, UnusableError)):
        return reason(error)
    return "its answer is not one of HTTP"


def cut(held: list[Any]) -> None:
    """End a connection that takes too long, so that reading from it ends."""
    with contextlib.suppress(OSError):
        socket.socket.shutdown(held[-1], socket.SHUT_RDWR)  # not that of TLS, which would wait


def exchanged(
    address: Address,
    held: list[Any],
    method: str,
    path: str,
    body: bytes,
    token: str,
) -> Reply:
    """Send a request over the connection in `held`, and return the answer.

    The connection of TLS, which takes over the other, is added to `held`.
    """
    if not address.encrypted and not may_be_clear(held[0].getpeername()[0]):
        raise OSError(not_private(address.host).rstrip("."))
    if address.encrypted:
        secure = ssl.create_default_context()
        held.append(secure.wrap_socket(held[0], server_hostname=address.host,
                                       do_handshake_on_connect=False))  # fmt: skip
        held[-1].do_handshake()
    connection = http.client.HTTPConnection(address.host, address.port)
    connection.sock = held[-1]
    headers = {"Accept-Encoding": "identity", "Connection": "close"}
    if body:
        headers["Content-Type"] = "application/json"
    if token:
        headers["Authorization"] = f"Bearer {token}"
    connection.request(method, path, body or None, headers)
    response = connection.getresponse()
    data = bytearray()
    while piece := response.read(BLOCK):
        data += piece
        if len(data) > MOST_BYTES:
            raise UnusableError(f"its answer has over {MOST_BYTES / 1e6:.0f} MB")
    if response.length:  # bytes that were announced and did not come
        raise UnusableError("its answer was cut off")
    return Reply(status=response.status, body=bytes(data))
