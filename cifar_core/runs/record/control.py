"""control.json: a person's request to a live run. The trainer and the executor both read it."""

import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from cifar_core.disk import files, lock
from cifar_core.disk.checks import LongText, Moment, Text, Whole
from cifar_core.errors import RunError

if TYPE_CHECKING:
    from cifar_core.runs.record.run import Run

NAME = "control.json"
STRENGTH = {"": 0, "pause": 1, "epoch": 2, "now": 3, "kill": 4}


class Control(Struct, frozen=True, kw_only=True):
    """The latest request; each has a higher sequence number than the one before."""

    sequence: Whole = 0
    request: Text = ""  # "" to continue, "pause", or how to stop: "epoch", "now", "kill"
    at: Moment = 0.0  # unix seconds
    profiles: Whole = 0  # how many profiles of its steps have been requested
    reason: Text = ""  # "pruned" when a search gave up the run; empty for a person's request
    note: LongText = ""  # why, in a sentence
    until: Moment = 0.0  # unix seconds at which it is to stop with a checkpoint; 0 for never

    @property
    def is_stop(self) -> bool:
        """Whether the run is to stop rather than pause."""
        return self.request in ("epoch", "now", "kill")

    @property
    def is_late(self) -> bool:
        """Whether the time has come at which the run is to stop."""
        return 0 < self.until <= time.time()


def read(folder: Path) -> Control:
    """Return the latest request; an empty one if there has never been one."""
    control = files.read(folder / NAME, Control)
    return control if control.request in STRENGTH else replace(control, request="")


def write(folder: Path, request: str, *, reason: str = "", note: str = "") -> Control:
    """Replace the request. The caller holds the run's lock.

    A run that is to continue forgets a time to stop that has passed.
    """
    old = read(folder)
    new = replace(
        old,
        sequence=old.sequence + 1,
        request=request,
        at=time.time(),
        reason=reason,
        note=note,
        until=0.0 if not request and old.is_late else old.until,
    )
    files.write_json(folder / NAME, new)
    return new


def ask_profile(folder: Path) -> Control:
    """Request one more profile, besides any other request. The caller holds the run's lock."""
    old = read(folder)
    new = replace(old, profiles=old.profiles + 1)
    files.write_json(folder / NAME, new)
    return new


def set_until(folder: Path, moment: float) -> Control:
    """Set when the run is to stop, besides any request; 0 for never. The caller holds the lock."""
    new = replace(read(folder), until=moment)
    files.write_json(folder / NAME, new)
    return new


def stop_at(run: "Run", moment: float) -> None:
    """Let a run that is live or waits stop at a moment, in unix seconds, with a checkpoint.

    RunError if the run is over or the moment has passed.
    """
    if not run.status.is_under_way:
        raise RunError(f"Run {run.id} is {run.status.state}, so there is nothing to stop.")
    if moment <= time.time():
        raise RunError("The time to stop must lie in the future. Choose a later one.")
    written = f"at {datetime.fromtimestamp(moment, UTC):%d %b %Y, %H:%M} UTC"
    with run.action("stop it", "planned to stop", written), lock.held(run.path / ".lock"):
        set_until(run.path, moment)


def stop_at_no_time(run: "Run") -> None:
    """Take back the time at which a run was to stop."""
    with run.action("stop it", "took back the time to stop"), lock.held(run.path / ".lock"):
        set_until(run.path, 0.0)


class ControlReader:
    """Checks for a new request with a single stat call, cheap enough for every batch."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stamp: tuple[int, int] | None = None
        self.control = Control()

    def poll(self) -> Control:
        """Return the latest request."""
        try:
            state = os.stat(self.folder / NAME)  # noqa: PTH116 - a third of the time
        except FileNotFoundError:
            return self.control
        stamp = (state.st_mtime_ns, state.st_ino)
        if stamp != self.stamp:
            self.stamp, self.control = stamp, read(self.folder)
        return self.control
