"""One attempt from first to last: whatever goes wrong is turned into words and kept."""

import faulthandler
import os
import signal
import sys
import time
import traceback
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from msgspec import structs

from cifar_core.disk import files, lock, space
from cifar_core.errors import CifarError, DiskFullError
from cifar_core.runs.engine import halving
from cifar_core.runs.engine.base_worker import BaseWorker, say
from cifar_core.runs.engine.full_disk import print_patiently
from cifar_core.runs.record import metrics
from cifar_core.runs.record.failures import MEMORY, NO_ROOM_FOR_RESULT, message_of, reason_of
from cifar_core.runs.record.records import AttemptResult
from cifar_core.runs.record.run import Run


def run_attempt(worker: BaseWorker) -> AttemptResult:
    """Work, and turn whatever goes wrong into words."""

    def on_terminate(*_: object) -> None:
        worker.terminated = True

    signal.signal(signal.SIGTERM, on_terminate)
    try:
        return worker.work()
    except Exception as error:
        traceback.print_exc()
        reason = reason_of(error)
        if reason == "disk":
            return paused_for_room(error, worker.run.path)
        at_once = halving.at_once(halving.applied(worker.run, worker.attempt))
        words = message_of(error, reason, worker.run.path, at_once)
        failure = AttemptResult(outcome="failed", reason=reason, message=words)
    # the error has let go of what the step held
    if reason in MEMORY and not halving.next_try(worker.run, worker.attempt):
        return with_what_fits(worker, failure)
    return failure


def with_what_fits(worker: BaseWorker, failure: AttemptResult) -> AttemptResult:
    """Measure how many images at once would have fitted, in the memory that this attempt frees."""
    from cifar_core.runs.prepare import largest_batch

    worker.let_go()
    say("Measures how many images at once fit.")
    try:
        config = replace(worker.config, device=worker.plan.device)
        found = largest_batch.measure(config, worker.run.store_root, in_pieces=True)
    except CifarError as error:
        say(str(error))
        return failure
    words = f"{failure.message} {found.at_once_sentence} ({found.basis})."
    return structs.replace(failure, message=words, fits=found.largest)


def paused_for_room(error: Exception, folder: Path) -> AttemptResult:
    """Return the result of an attempt that can go on as soon as there is room on the disk."""
    needs = space.to_go_on(error, folder)
    then = f"It continues automatically when {space.megabytes(needs)} are free."
    words = f"Paused because {space.missing(error, folder)}. {then}"
    return AttemptResult(outcome="paused", reason="disk", message=words, needs=needs)


def main(kind: type[BaseWorker], path: str, number: str) -> NoReturn:
    """Work on an attempt, leave its result in its folder and end the process."""
    run, attempt = Run(Path(path)), int(number)
    folder = metrics.attempt_folder(run.path, attempt)
    mine = lock.take(folder / "lock", shared=True)  # besides the one inherited from the shim
    assert mine is not None
    print_patiently()
    faulthandler.register(signal.SIGUSR1)  # `kill -USR1` writes all stacks into the log
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal is meant for others
    worker = kind(run, attempt)
    result = run_attempt(worker)
    say(f"{result.outcome}: {result.message}")
    code = 0 if result.outcome != "failed" else 1
    try:
        last = structs.replace(result, rows_bytes=worker.rows.size, at=time.time())
        files.write_json(folder / "result.json", last)
    except DiskFullError:
        code = NO_ROOM_FOR_RESULT
    # all is on the disk; taking torch down in good order would hold the device for seconds
    sys.stdout.flush()
    os._exit(code)
