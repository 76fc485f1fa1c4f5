"""control.json: a person's request to a live run. The trainer and the executor both read it."""

import os
import time
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from cifar_core.disk import files
from cifar_core.disk.checks import LongText, Moment, Text, Whole

STRENGTH = {"": 0, "pause": 1, "epoch": 2, "now": 3, "kill": 4}


class Control(Struct, frozen=True, kw_only=True):
    """The latest request; each has a higher sequence number than the one before."""

    sequence: Whole = 0
    request: Text = ""  # "" to continue, "pause", or how to stop: "epoch", "now", "kill"
    at: Moment = 0.0  # unix seconds
    profiles: Whole = 0  # how many profiles of its steps have been requested
    reason: Text = ""  # "pruned" when a search gave up the run; empty for a person's request
    note: LongText = ""  # why, in a sentence

    @property
    def is_stop(self) -> bool:
        """Whether the run is to stop rather than pause."""
        return self.request in ("epoch", "now", "kill")


def read(folder: Path) -> Control:
    """Return the latest request; an empty one if there has never been one."""
    control = files.read(folder / "control.json", Control)
    return control if control.request in STRENGTH else replace(control, request="")


def write(folder: Path, request: str, *, reason: str = "", note: str = "") -> Control:
    """Replace the request. The caller holds the run's lock."""
    old = read(folder)
    new = replace(
        old,
        sequence=old.sequence + 1,
        request=request,
        at=time.time(),
        reason=reason,
        note=note,
    )
    files.write_json(folder / "control.json", new)
    return new


def ask_profile(folder: Path) -> Control:
    """Request one more profile, besides any other request. The caller holds the run's lock."""
    old = read(folder)
    new = replace(old, profiles=old.profiles + 1)
    files.write_json(folder / "control.json", new)
    return new


class ControlReader:
    """Checks for a new request with a single stat call, cheap enough for every batch."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stamp: tuple[int, int] | None = None
        self.control = Control()

    def poll(self) -> Control:
        """Return the latest request."""
        try:
            state = os.stat(self.folder / "control.json")  # noqa: PTH116 - a third of the time
        except FileNotFoundError:
            return self.control
        stamp = (state.st_mtime_ns, state.st_ino)
        if stamp != self.stamp:
            self.stamp, self.control = stamp, read(self.folder)
        return self.control
