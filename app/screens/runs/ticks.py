"""Which runs of the list are ticked: the browser keeps them, and a button may set others."""

from collections.abc import Iterable

from msgspec import Struct, ValidationError, convert

from app.screens.runs.run_list import Ticks, answered
from app.session import Key, remember, remembered


class Message(Struct):
    """What the list sends when a row is ticked."""

    ids: tuple[str, ...]
    version: int


def ticked() -> Ticks:
    """Return the ticked rows: what the browser sent last, unless a button has set others since."""
    last: Ticks = remembered(Key.TICKS, Ticks())
    sent = sound(answered("ticked"))
    if sent and sent.version == last.version:
        last = sent
        remember(Key.TICKS, last)  # so that they are there after a visit to another page
    return last


def sound(message: object) -> Ticks | None:
    """Return what a message of the browser means; None for one that the list does not send."""
    try:
        sent = convert(message, Message)
    except ValidationError:
        return None
    return Ticks(ids=sent.ids, version=sent.version)


def tick(ids: Iterable[str]) -> None:
    """Tick these rows and no others."""
    version = remembered(Key.TICKS, Ticks()).version + 1
    remember(Key.TICKS, Ticks(ids=tuple(ids), version=version))
