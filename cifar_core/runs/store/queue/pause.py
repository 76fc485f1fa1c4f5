"""A paused queue: what runs goes on, and nothing new starts until an admin resumes it."""

from pathlib import Path
from time import time
from typing import TYPE_CHECKING

from msgspec import Struct

from cifar_core.background import processes
from cifar_core.disk import files
from cifar_core.disk.checks import Moment, Text
from cifar_core.people import ADMIN

if TYPE_CHECKING:
    from cifar_core.runs.store.store import Store

NAME = "queue.json"
LONGEST_NOTE = 200  # characters


class Pause(Struct, frozen=True, kw_only=True):
    """Who paused the queue, since when and why; without a time, it is not paused."""

    by: Text = ""
    at: Moment = 0.0  # unix seconds
    note: Text = ""

    @property
    def is_on(self) -> bool:
        """Whether the queue is paused."""
        return self.at > 0

    @property
    def sentence(self) -> str:
        """Who paused it, and the note."""
        note = f' ("{self.note}")' if self.note else ""
        return f"{self.by or 'Someone'} paused the queue{note}."


def read(root: Path) -> Pause:
    """Return the pause of a store's queue."""
    return files.read(root / NAME, Pause)


def pause(store: "Store", note: str = "") -> None:
    """Let no further run start, for a reason; only an admin may, as it concerns everyone.

    A queue that is paused already gets the note, and stays paused since then.
    """
    note = " ".join(note.split())[:LONGEST_NOTE]
    with store.action("pause the queue", "paused the queue", note, needed=ADMIN) as line:
        before = read(store.root)
        line.skip = before.is_on and note in ("", before.note)
        if not line.skip:
            store.root.mkdir(parents=True, exist_ok=True)
            at = before.at or time()
            files.write_json(store.root / NAME, Pause(by=store.by.name, at=at, note=note))
            processes.wake(store.root)  # so that the waiting runs say why


def resume(store: "Store") -> None:
    """Let waiting runs start again; only an admin may."""
    with store.action("resume the queue", "resumed the queue", needed=ADMIN) as line:
        path = store.root / NAME
        line.skip = not path.exists()
        path.unlink(missing_ok=True)
        if not line.skip:
            processes.ensure_running(store.root)
