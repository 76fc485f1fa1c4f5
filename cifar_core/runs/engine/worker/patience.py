"""How a trainer waits for space on a full disk, and says so."""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from cifar_core.disk import files, space
from cifar_core.errors import DiskFullError
from cifar_core.runs.engine.worker.log import say
from cifar_core.runs.record.records import Notice

if TYPE_CHECKING:
    from cifar_core.runs.engine.worker.base_worker import BaseWorker

# how long a checkpoint waits in memory for space on the disk
ROOM_SECONDS = float(os.environ.get("CIFAR_ROOM_SECONDS") or 300.0)
ROOM_LOOK_SECONDS = 1.0  # between two tries


def wait_for_space(worker: "BaseWorker", write: Callable[[], object]) -> None:
    """Call `write`, and while the disk is full wait and try again, as a worker does."""
    until = time.monotonic() + ROOM_SECONDS
    while True:
        try:
            write()
        except DiskFullError as error:
            if worker.must_end or time.monotonic() > until:
                raise
            report_waiting(worker, error)
            worker.show_life()
            time.sleep(ROOM_LOOK_SECONDS)
        else:
            worker.notice.unlink(missing_ok=True)
            return


def report_waiting(worker: "BaseWorker", error: DiskFullError) -> None:
    """Write, as far as the disk allows, that a worker is waiting for space."""
    words = (
        f"Waiting because {space.missing(error, worker.folder)}. Unsaved results stay in memory."
    )
    if worker.notice.exists():
        return
    say(words)
    with suppress(DiskFullError):
        files.write_json(worker.notice, Notice(message=words), durable=False)
