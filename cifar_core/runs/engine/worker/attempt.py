"""Runs one attempt from start to end, and turns any error into a sentence in result.json."""

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
from cifar_core.errors import CifarError, DiskFullError, TrainingDivergedError
from cifar_core.runs.engine import halving
from cifar_core.runs.engine.full_disk import buffer_output
from cifar_core.runs.engine.several import images_of_one
from cifar_core.runs.engine.worker.base_worker import BaseWorker
from cifar_core.runs.engine.worker.log import say
from cifar_core.runs.engine.worker.ranks.lost import end_with_agent, is_of_another, leave
from cifar_core.runs.family.teachers import of_run
from cifar_core.runs.record import metrics
from cifar_core.runs.record.failures import MEMORY, NO_ROOM_FOR_RESULT, message_of, reason_of
from cifar_core.runs.record.records import AttemptResult
from cifar_core.runs.record.run import Run
from cifar_core.runs.record.watched import rows as watched


def run_attempt(worker: BaseWorker) -> AttemptResult:
    """Run the attempt; return its result, or a failure with the error in words."""

    def on_terminate(*_: object) -> None:
        worker.terminated = True

    signal.signal(signal.SIGTERM, on_terminate)
    try:
        worker.join()
        return worker.work()
    except Exception as error:
        traceback.print_exc()
        if worker.group.several and is_of_another(error):
            say("Another device's process is gone, so this one ends too.")
            leave()
        reason = reason_of(error)
        if reason == "disk":
            return paused_for_space(error, worker.run.path)
        at_once = halving.at_once(halving.applied(worker.run, worker.attempt))
        words = message_of(error, reason, worker.run.path, at_once)
        step = error.step if isinstance(error, TrainingDivergedError) else 0
        failure = AttemptResult(outcome="failed", reason=reason, message=words, diverged_at=step)
    finally:
        worker.record_peak()
    # the error is gone, and with it the tensors of the step
    if reason in MEMORY and not halving.next_try(worker.run, worker.attempt):
        return with_measured_fit(worker, failure)
    return failure


def with_measured_fit(worker: BaseWorker, failure: AttemptResult) -> AttemptResult:
    """Measure how many images at once would have fit, in the memory that this attempt frees."""
    from cifar_core.runs.prepare import largest_batch

    worker.free_memory()
    say("Measuring how many images at once fit.")
    try:
        batch = images_of_one(worker.run.settings)
        config = replace(worker.config, device=worker.plan.device, devices=1, batch_size=batch)
        measured = largest_batch.in_child(
            config, worker.run.store_root, in_pieces=True, teachers=of_run(worker.run)
        )
    except CifarError as error:
        say(str(error))
        return failure
    words = f"{failure.message} {measured.at_once_sentence} ({measured.basis})."
    return structs.replace(failure, message=words, fits=measured.largest)


def write_result(worker: BaseWorker, result: AttemptResult) -> None:
    """Write how the attempt ended: the first rank does, and another one only if it failed."""
    last = structs.replace(result, rank=worker.group.rank, at=time.time())
    if not worker.group.writes:
        if result.reason:
            files.write_json(worker.folder / "rank_failure.json", last)
        return
    watched_bytes = watched.size(worker.run.path, worker.attempt)
    sizes = {"rows_bytes": worker.rows.size, "watched_bytes": watched_bytes}
    files.write_json(worker.folder / "result.json", structs.replace(last, **sizes))


def paused_for_space(error: Exception, folder: Path) -> AttemptResult:
    """Return the result of an attempt that can continue as soon as there is space on the disk."""
    words = f"It could not save because {space.missing(error, folder)}."
    needs = space.to_continue(error, folder)
    return AttemptResult(outcome="paused", reason="disk", message=words, needs=needs)


def main(worker_type: type[BaseWorker], path: str, number: str) -> NoReturn:
    """Run an attempt, write its result into its folder and end the process."""
    run, attempt = Run(Path(path)), int(number)
    folder = metrics.attempt_folder(run.path, attempt)
    mine = lock.take(folder / "lock", shared=True)  # besides the lock inherited from the shim
    assert mine is not None
    worker = worker_type(run, attempt)
    if worker.group.several:
        end_with_agent()
    buffer_output(worker.group.name)
    faulthandler.register(signal.SIGUSR1)  # `kill -USR1` prints all stacks into the log
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal is meant for others
    result = run_attempt(worker)
    say(f"{result.outcome}: {result.message}")
    code = 0 if result.outcome != "failed" else 1
    try:
        write_result(worker, result)
    except DiskFullError:
        code = NO_ROOM_FOR_RESULT
    # everything is on the disk; shutting torch down properly would hold the device for seconds
    sys.stdout.flush()
    os._exit(code)
