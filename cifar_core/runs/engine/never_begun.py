"""Gives up an attempt that its backend no longer has, and that has never begun."""

import os
import time

from cifar_core.disk import files, lock
from cifar_core.runs.engine.live_attempts import LiveAttempt
from cifar_core.runs.record.records import ShimEnd, ShimRecord


def is_given_up(live: LiveAttempt) -> bool:
    """Give up an attempt that is gone and has not begun; return True if done.

    The record is written under the lock that a late shim has to take, so it finds it.
    """
    live.folder.mkdir(parents=True, exist_ok=True)
    mine = lock.take(live.folder / "lock", wait=False)
    if mine is None:  # it has taken it this moment
        return False
    try:
        if not (live.folder / "shim.json").exists():
            files.write_json(live.folder / "shim.json", ShimRecord(ended=end_of(live)))
    finally:
        os.close(mine)
    return True


def end_of(live: LiveAttempt) -> ShimEnd:
    """Return why an attempt has not begun. Only if it was launched has the run a share in that.

    Another executor may have died before it had it started.
    """
    title, now = live.backend.title, time.time()
    if not live.is_elsewhere:
        cause = "its shim did not start" if live.submitted else ""
        return ShimEnd(error=cause, launched=live.submitted, at=now)
    if live.request:
        return ShimEnd(error=f"it was taken back from {title}", launched=False, at=now)
    cause = f"{title} no longer has it" if live.submitted else f"{title} does not have it"
    return ShimEnd(error=cause, said=live.job.words, launched=live.submitted, at=now)
