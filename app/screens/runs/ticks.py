"""Which runs of the list are ticked: the browser keeps them, and a button may set others."""

from collections.abc import Iterable

from app.screens.runs.run_list import Ticks, answered
from app.session import Key, remember, remembered


def ticked() -> Ticks:
    """Return the ticked rows: what the browser sent last, unless a button has set others since."""
    last: Ticks = remembered(Key.TICKS, Ticks())
    sent = answered("ticked")
    if sent and sent["version"] == last.version:
        last = Ticks(ids=tuple(sent["ids"]), version=last.version)
        remember(Key.TICKS, last)  # so that they are there after a visit to another page
    return last


def tick(ids: Iterable[str]) -> None:
    """Tick these rows and no others."""
    version = remembered(Key.TICKS, Ticks()).version + 1
    remember(Key.TICKS, Ticks(ids=tuple(ids), version=version))
