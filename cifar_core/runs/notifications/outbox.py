"""The messages of a store: one small file each, written before anything is sent.

The rule by which no message is sent twice: the process that sends one writes `asking` to the disk
before the first byte of the message leaves, and what the server answered after that. Without an
answer, because the process was killed, the time was up or the connection broke, the message counts
as `uncertain` and is never sent again. Whatever fails earlier, or is answered with an error, is
tried again for a day.
"""

import hashlib
import time
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from cifar_core.disk import files, lock
from cifar_core.disk.checks import Moment, Text, Whole
from cifar_core.runs.notifications.news import News
from cifar_core.runs.notifications.subscriptions import folder

WAITING, SENDING, ASKING, ANSWERED = "waiting", "sending", "asking", "answered"
SENT, UNCERTAIN, GIVEN_UP = "sent", "uncertain", "given up"
OVER = (SENT, UNCERTAIN, GIVEN_UP)
PATIENCE = 24 * 3600.0  # seconds for which a message is tried
KEPT = 30 * 24 * 3600.0  # seconds for which a message that is over is remembered, at least
FIRST_WAIT, LONGEST_WAIT = 30.0, 3600.0  # seconds between two tries; the wait doubles


class Message(Struct, frozen=True, kw_only=True):
    """A message to one address; the file's name is its id."""

    news: Text = ""  # id of the news
    kind: Text = ""
    address: Text = ""  # its name; the address itself is never saved
    title: Text = ""  # plain text, as the news have it
    text: Text = ""
    created_at: Moment = 0.0
    state: Text = WAITING
    tries: Whole = 0
    next_at: Moment = 0.0  # before which it is not tried again
    code: Whole = 0  # of the server's answer, while `answered`
    why: Text = ""  # a sentence about the last try, without secrets
    at: Moment = 0.0  # of the last change

    @property
    def is_over(self) -> bool:
        """Whether it will not be tried again."""
        return self.state in OVER


def box(root: Path) -> Path:
    """Return the folder of the messages."""
    return folder(root) / "outbox"


def path_of(root: Path, news: str, address: str) -> Path:
    """Return the file of the one message about some news to one address."""
    digest = hashlib.sha256(f"{news}\0{address}".encode()).hexdigest()
    return box(root) / f"{digest[:32]}.json"


def turn_of(root: Path, address: str) -> Path:
    """Return the file that the one process locks which sends to an address."""
    digest = hashlib.sha256(address.encode()).hexdigest()
    return box(root) / f".{digest[:16]}.turn"


def put(root: Path, news: News, address: str) -> bool:
    """Write a message about some news, unless it was ever written before; return True if new.

    A file that is damaged counts as a message that may have been sent.
    """
    path = path_of(root, news.id, address)
    box(root).mkdir(parents=True, exist_ok=True)
    with lock.held(box(root) / ".lock"):
        if path.exists() or done(path).exists():  # in this order: files move only that way
            return False
        now = time.time()
        message = Message(
            news=news.id, kind=news.kind, address=address, title=news.title, text=news.text,
            created_at=now, at=now,
        )  # fmt: skip
        files.write_json(path, message)
    return True


def written(root: Path, news: News, address: str) -> Path:
    """Write a message about news that no one had before; return its file."""
    put(root, news, address)
    return path_of(root, news.id, address)


def change(path: Path, message: Message, state: str, **changes: object) -> Message:
    """Write a message's next state, so that it survives a kill and a power cut."""
    new = replace(message, state=state, at=time.time(), **changes)
    files.write_json(path, new)
    return new


def read(path: Path) -> Message | None:
    """Return a message; None if its file is damaged or gone."""
    message = files.read_if_there(path, Message)
    return message if message and message.address else None


def listed(root: Path) -> dict[Path, Message]:
    """Return the messages that are not put away yet and can be read, the oldest first."""
    found = {path: message for path in box(root).glob("*.json") if (message := read(path))}
    return dict(sorted(found.items(), key=lambda entry: entry[1].created_at))


def is_pending(root: Path) -> bool:
    """Whether any message has yet to be sent or given up."""
    return any(not message.is_over for message in listed(root).values())


def done(path: Path) -> Path:
    """Return where the file of a message lies once it is over."""
    return path.parent / "done" / path.name


def put_away(path: Path) -> None:
    """Move the file of a message that is over, so that no one has to read it again."""
    done(path).parent.mkdir(exist_ok=True)
    path.replace(done(path))


def undelivered(root: Path, since: float) -> list[Message]:
    """Return the messages that failed, or may not have arrived, since a moment; newest first."""
    paths = [*box(root).glob("*.json"), *(box(root) / "done").glob("*.json")]
    recent = (path for path in paths if files.stamp(path) / 1e9 >= since)
    found = [message for path in recent if (message := read(path))]
    failed = [one for one in found if one.state != SENT and one.why]
    return sorted(failed, key=lambda one: one.at, reverse=True)


def wait_after(tries: int) -> float:
    """Return how many seconds to wait after this many tries in a row without success."""
    return min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(tries - 1, 20))


def concluded(path: Path, message: Message) -> Message:
    """Return a message whose sending process is over, with what that means for it."""
    if message.state == ASKING:
        return change(path, message, UNCERTAIN, why=message.why or UNKNOWN)
    if message.state == ANSWERED and 200 <= message.code < 300:
        return change(path, message, SENT, why="")
    if message.state == ANSWERED:
        return postponed(path, message, f"The server answered {message.code}.")
    if message.state == SENDING:
        return postponed(path, message, message.why or SLOW)
    return message


def postponed(path: Path, message: Message, why: str) -> Message:
    """Let a message that was not delivered wait for its next try, or give it up after a day."""
    now = time.time()
    if now - message.created_at > PATIENCE:
        return change(path, message, GIVEN_UP, why=why)
    return change(path, message, WAITING, why=why, next_at=now + wait_after(message.tries), code=0)


UNKNOWN = "The server did not answer, so it may have arrived; it is not sent again."
ODD = "The server took it, but did not answer as its service does; it is not sent again."
SLOW = "There was no connection in time."


def prune(root: Path, current: set[str]) -> None:
    """Forget messages that were over long ago, unless their news can still be found."""
    for path in (box(root) / "done").glob("*.json"):
        if abs(time.time() - files.stamp(path) / 1e9) > KEPT:
            message = read(path)
            if message is None or message.news not in current:
                path.unlink(missing_ok=True)
