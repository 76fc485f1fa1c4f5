"""Keeps the process that sends one message within its limits, whatever a server answers.

`enter` changes this process for good, so it is called in a process that sends one message and ends.
Connections are checked as they are made (PEP 578), so it does not matter what a name was resolved
to before, or who asks for the connection.
"""

import contextlib
import http.client
import logging
import os
import resource
import smtplib
import socket
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import requests

from cifar_core.runs.notifications.destinations import Network, may_connect

CONNECT_SECONDS, READ_SECONDS = 5.0, 8.0  # for a connection; for each piece of an answer
BODY_SECONDS = 2.0  # for the body of an answer, whose status says enough
MOST_BYTES = 65_536  # of the body of an answer that are read
MOST_MEMORY = 2**30  # bytes of address space beyond those in use
FORBIDDEN = ("socket.sendto", "socket.sendmsg", "socket.bind", "os.exec", "os.fork", "os.system",
             "os.posix_spawn", "subprocess.Popen")  # fmt: skip


class RefusedError(OSError):
    """A connection that is not allowed, or an act that sending does not need."""


class Talk:
    """How far the talk with the server has come; `asking` is called before a request is sent.

    From then on the server may have received the whole message, until it answers otherwise or the
    request turns out to be incomplete (`unsent`).
    """

    def __init__(self, asking: Callable[[], None], answered: Callable[[int], None]) -> None:
        self.write_asking, self.write_answered = asking, answered
        self.is_asking = False
        self.code = 0  # of the last answer; 0 before any
        self.refused = False  # whether a connection was not allowed
        self.cause: BaseException | None = None  # why there was no answer

    def asking(self) -> None:
        """Note that a request is about to be sent."""
        self.code = 0
        self.write_asking()
        self.is_asking = True

    def unsent(self) -> None:
        """Note that the request was not sent as a whole, so no server can act on it."""
        self.is_asking = False

    def answered(self, code: int) -> None:
        """Note the server's answer."""
        self.is_asking, self.code = False, code
        self.write_answered(code)


def enter(talk: Talk, allowed: Sequence[Network]) -> None:
    """Apply every limit to this process."""
    logging.disable(logging.CRITICAL)  # Apprise may log parts of an address
    soft = current_memory() + MOST_MEMORY
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (soft, soft))
    socket.setdefaulttimeout(READ_SECONDS)
    requests.sessions.Session = session_of(talk)  # type: ignore[misc]
    watch_requests(talk)
    watch_mail(talk)
    sys.addaudithook(hook(talk, allowed))  # last, as it stays


def current_memory() -> int:
    """Return the size of this process's address space in bytes."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123
            return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 2**32


def hook(talk: Talk, allowed: Sequence[Network]) -> Callable[[str, tuple[Any, ...]], None]:
    """Return the audit hook that lets only allowed connections through."""

    def check(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "socket.connect":
            sock, address = arguments
            inet = sock.family in (socket.AF_INET, socket.AF_INET6)
            if not inet or not may_connect(str(address[0]), allowed):
                talk.refused = True
                raise RefusedError("This connection is not allowed.")
        elif event in FORBIDDEN:
            raise RefusedError(f"Sending does not need {event}.")

    return check


def session_of(talk: Talk) -> type[requests.Session]:
    """Return a session without redirects, proxies or files of passwords, and with short answers."""

    class Session(requests.Session):
        """What Apprise uses instead of requests' own session."""

        def __init__(self) -> None:
            super().__init__()
            self.trust_env = False

        def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
            """Send a request and read the beginning of its answer."""
            request.headers["Accept-Encoding"] = "identity"
            options |= {
                "allow_redirects": False,
                "stream": True,
                "proxies": {},
                "timeout": (CONNECT_SECONDS, READ_SECONDS),
                "verify": os.environ.get("REQUESTS_CA_BUNDLE") or True,
            }
            try:
                response = super().send(request, **options)
            except Exception as error:
                talk.cause = error
                raise
            talk.answered(response.status_code)
            response._content = beginning(response)
            response._content_consumed = True
            response.close()
            return response

    return Session


def beginning(response: requests.Response) -> bytes:
    """Return the first bytes of an answer's body, or as many as come in time."""
    data, until = b"", time.monotonic() + BODY_SECONDS
    try:
        while len(data) < MOST_BYTES and time.monotonic() < until:
            piece = response.raw.read1(MOST_BYTES - len(data))
            if not piece:
                break
            data += piece
    except Exception:  # the answer is known already; its body is of little use
        return data
    return data


def watch_requests(talk: Talk) -> None:
    """Note when a request begins to be sent, once its connection is there."""
    original = http.client.HTTPConnection.send

    def send(self: http.client.HTTPConnection, data: Any) -> None:
        if self.sock is None:
            self.connect()
        if not talk.is_asking:
            talk.asking()
        try:
            original(self, data)
        except Exception:
            talk.unsent()
            raise

    http.client.HTTPConnection.send = send  # type: ignore[method-assign]


def watch_mail(talk: Talk) -> None:
    """Note when a mail begins to be sent, once the server knows its sender and receivers."""
    original = smtplib.SMTP.data

    def data(self: smtplib.SMTP, msg: Any) -> tuple[int, bytes]:
        talk.asking()
        try:
            code, words = original(self, msg)
        except smtplib.SMTPDataError as error:  # before the text of the mail
            talk.answered(error.smtp_code)
            raise
        talk.answered(code)
        return code, words

    smtplib.SMTP.data = data  # type: ignore[method-assign]
