"""Sends one message, in a process that is forked for it and ends with it."""

import os
import signal
import ssl
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cifar_core.errors import NotificationError
from cifar_core.runs.notifications import outbox
from cifar_core.runs.notifications.addresses import Address
from cifar_core.runs.notifications.destinations import Network
from cifar_core.runs.notifications.outbox import Message
from cifar_core.runs.notifications.services import written

DEADLINE = 25.0  # seconds after which the system ends a process that sends one message


def load() -> None:
    """Import what sending needs, once, so that every fork has it."""
    with warnings.catch_warnings(action="ignore"):  # of modules that Apprise imports
        import apprise

        from cifar_core.runs.notifications import guard  # noqa: F401

        apprise.Apprise.instantiate("json://localhost")  # reads Apprise's list of services


def fork(
    path: Path,
    message: Message,
    address: Address,
    allowed: Sequence[Network],
    *,
    deadline: float = DEADLINE,
) -> int:
    """Send a message in a process of its own; return the process's id.

    What became of it is in the message's file once the process is over, as `outbox.concluded`
    reads it. The caller holds the turn of the address and has written `sending`.
    """
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid
    try:
        for which in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGALRM):
            signal.signal(which, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, deadline)
        warnings.simplefilter("ignore")  # of packages; they may quote an address
        deliver(path, message, address, allowed)
    except BaseException as error:  # nothing of it may reach the code of the sender
        print(f"A message could not be sent: {type(error).__name__}", flush=True)
    finally:
        os._exit(0)


def deliver(path: Path, message: Message, address: Address, allowed: Sequence[Network]) -> None:
    """Send a message and write what became of it; changes this process for good."""
    from cifar_core.runs.notifications import guard

    latest = message

    def note(state: str, **changes: object) -> None:
        nonlocal latest
        latest = outbox.change(path, latest, state, **changes)

    talk = guard.Talk(lambda: note(outbox.ASKING), lambda code: note(outbox.ANSWERED, code=code))
    try:
        plugin = plugin_of(address, path.stem)
    except NotificationError as error:
        note(outbox.SENDING, why=str(error))
        return
    guard.enter(talk, allowed)
    title, text = written(address.service, message.title, message.text)
    if as_plain_text(plugin, title, text):
        note(outbox.SENT, why="")
    elif talk.is_asking:
        note(outbox.UNCERTAIN, why=outbox.UNKNOWN)
    elif 200 <= talk.code < 300:
        note(outbox.UNCERTAIN, why=outbox.ODD)
    else:
        note(outbox.SENDING, why=words(talk.code, talk.cause, refused=talk.refused))


def plugin_of(address: Address, key: str) -> Any:
    """Return Apprise's object for an address; NotificationError if it has not one receiver."""
    import apprise

    asset = apprise.AppriseAsset(
        app_id="CIFAR Lab", app_desc="CIFAR Lab", app_url="", image_url_mask="",
        image_url_logo="", async_mode=False, http_redirects=False, interpret_escapes=False,
        storage_mode=apprise.PersistentStoreMode.MEMORY, allow_templates=False,
    )  # fmt: skip
    plugin: Any = apprise.Apprise.instantiate(address.url, asset=asset)
    if plugin is None:
        raise NotificationError(
            f"The address {address.name} is not complete: it should be of the form "
            f"{address.service.summary}. The admin can correct it."
        )
    if len(plugin) != 1:  # if one of several got the message, it could not be tried again
        raise NotificationError(
            f"The address {address.name} leads to {len(plugin)} receivers, but it must lead to "
            "one. The admin can set an address for each."
        )
    plugin.verify_certificate, plugin.redirects = True, False
    plugin.notify_format, plugin._format_override = apprise.NotifyFormat.TEXT, None
    if address.service.key == "webhook":
        plugin.headers = {**plugin.headers, "Idempotency-Key": key}
    return plugin


def as_plain_text(plugin: Any, title: str, text: str) -> bool:
    """Let Apprise send a text as it is; return True if the service took it."""
    from apprise import NotifyFormat, NotifyType

    return bool(
        plugin.send(
            body=text, title=title, notify_type=NotifyType.INFO, body_format=NotifyFormat.TEXT
        )
    )


def words(code: int, cause: BaseException | None, *, refused: bool) -> str:
    """Say why a message was not delivered, without any part of its address."""
    if refused:
        return (
            "Its address is on this machine or in a private network, which $CIFAR_NOTIFY_ALLOW "
            "does not name."
        )
    if 300 <= code < 400:
        return f"The server answered {code}, and redirects are not followed."
    if code:
        return f"The server answered {code}."
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return "The server's certificate is not valid, or it does not speak TLS."
        cause = next((e for e in (*cause.args, cause.__cause__, cause.__context__)
                      if isinstance(e, BaseException)), None)  # fmt: skip
    return "The server could not be reached."
