"""Gives free devices to the runs that wait, in the order of the queue, unless it is paused."""

import shutil
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cifar_core.background import processes
from cifar_core.devices import turns
from cifar_core.disk import files, space
from cifar_core.errors import DeviceError, OutOfServiceError
from cifar_core.runs.backends.backend import Backend, FullError, Job, NoAnswerError
from cifar_core.runs.backends.local import LOCAL
from cifar_core.runs.backends.naming import new_job_name
from cifar_core.runs.engine.ending import failed
from cifar_core.runs.engine.live_attempts import LiveAttempt, plan_of, submission_of
from cifar_core.runs.engine.several import devices_of, refusal, waiting_words
from cifar_core.runs.engine.waiting import is_too_late, show_as_usual, show_waiting
from cifar_core.runs.record import metrics, records, status
from cifar_core.runs.record.run import Run
from cifar_core.runs.record.states import FAILURES, STATES
from cifar_core.runs.store.queue import pause
from cifar_core.runs.store.queue.order import queue_order
from cifar_core.runs.store.run_row import RunRow

if TYPE_CHECKING:
    from cifar_core.runs.engine.supervisor import Supervisor

SUBMIT_SECONDS = 1.0  # in which runs are handed over, before live ones are looked after again
FULL_SECONDS = 60.0  # until a cluster that took no more is tried again
PAUSED = "queue_paused"  # why a run waits: a key of FAILURES


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a run asks for."""

    place: str  # a key of PLACES
    device: str
    count: int


def wanted_by(run: Run) -> Wanted:
    """Return what a run asks for."""
    settings = run.settings
    return Wanted(
        place=str(settings.get("run_on", LOCAL)),
        device=str(settings.get("device", "auto")),
        count=devices_of(run),
    )


def scan(chief: "Supervisor") -> bool:
    """Go through the store: repair statuses, start waiting runs; return True if more may start."""
    chief.has_more, chief.submits_until = False, time.monotonic() + SUBMIT_SECONDS
    # of a live run only a change of its status matters here
    rows = chief.store.index.rows({id_ for id_, live in chief.live.items() if live.is_known()})
    for row in rows:
        if row.reason == "damaged":
            chief.repair(chief.run_of(row))
    for_space = [row for row in rows if row.state == "paused" and row.reason == "disk"]
    for row in for_space:
        requeue(chief, chief.run_of(row))
    waiting = queue_order(rows)
    chief.has_waiting = bool(for_space or waiting)
    chief.kept_free = set()
    paused = pause.read(chief.store.root)
    for row in waiting:
        run = chief.run_of(row)
        if is_too_late(run):
            continue
        if paused.is_on:
            show_paused(run, row, paused)
        else:
            claim(chief, run)
    return bool(for_space or (waiting and not paused.is_on))


def requeue(chief: "Supervisor", run: Run) -> None:
    """Put a run that waits for disk space back into the queue, if there is space."""
    if is_too_late(run):
        return
    if space.is_free(max(run.status.needs, space.TO_START), chief.store.root):
        run.enqueue(("paused",))


def claim(chief: "Supervisor", run: Run) -> None:
    """Start a waiting run if its place has room for it."""
    wanted = wanted_by(run)
    if wanted.place == LOCAL:
        claim_devices(chief, run, wanted)
    else:
        hand_over(chief, run, wanted)


def claim_devices(chief: "Supervisor", run: Run, wanted: Wanted) -> None:
    """Start a waiting run if devices of this machine that suit it are free."""
    try:
        suitable = chief.roster.candidates(wanted.device, wanted.count)
    except OutOfServiceError as error:
        show_waiting(run, "device", str(error), STATES["queued"].action)
        return
    except DeviceError as error:
        fail(run, str(error))
        return
    if words := refusal(run, wanted.count):
        fail(run, words)
        return
    lent = chief.lent() | chief.kept_free
    free = [candidate for candidate in suitable if candidate.id not in lent]
    if free and not has_space(chief, run):
        return
    with turns.first_free(chief.store.root, free, wanted.count) as turn:
        if turn and run.id not in chief.live:
            why = chief.roster.why(wanted.device, turn.device)
            start(chief, run, wanted, chief.backends.local, turn, why)
        elif wanted.count > 1:  # what is free is kept for it, or later runs would always come first
            chief.kept_free.update(device.id for device in free[: wanted.count])
            words = waiting_words(wanted.count, len(free))
            show_waiting(run, "", words, STATES["queued"].action)
        else:
            show_as_usual(run)


def hand_over(chief: "Supervisor", run: Run, wanted: Wanted) -> None:
    """Hand a waiting run over to a cluster, unless that has as many of them as it takes."""
    backend, now = chief.backends.of(wanted.place), time.monotonic()
    if words := why_not(chief, backend):
        show_waiting(run, "", words, STATES["queued"].action)
    elif words := refusal(run, wanted.count):
        fail(run, words)
    elif now > chief.submits_until:
        chief.has_more = True  # after the others have been looked after
    elif has_space(chief, run):
        start(chief, run, wanted, backend, None, "")


def why_not(chief: "Supervisor", backend: Backend) -> str:
    """Return why no run can be handed over to a cluster now; empty if one can."""
    theirs = [live for live in chief.live.values() if live.backend.key == backend.key]
    if words := chief.backends.why_not(backend.key):
        return words
    if any(live.job.found == "unknown" for live in theirs):
        return f"Waiting until {backend.title} answers."
    if len(theirs) >= backend.slots:
        return f"Waiting until {backend.title} has fewer than {backend.slots} runs of this store."
    words, until = chief.full.get(backend.key, ("", 0.0))
    return words if time.monotonic() < until else ""


def has_space(chief: "Supervisor", run: Run) -> bool:
    """Return True if the disk has space for a run to start; if not, show that it waits for it."""
    if space.is_free(space.TO_START, chief.store.root):
        return True
    words = f"Waiting for disk space: {space.megabytes(space.TO_START)} must be free."
    show_waiting(run, "disk", words, FAILURES["disk"].action)
    return False


def fail(run: Run, message: str) -> None:
    """End a waiting run that has no device to run on."""
    end = failed("device", message, {})
    status.move(run.path, ("queued",), "failed", reason=end.reason, message=end.message)


def show_paused(run: Run, row: RunRow, paused: pause.Pause) -> None:
    """Show that a run waits because the queue is paused, unless its row says so already."""
    if row.message != paused.sentence:
        show_waiting(run, PAUSED, paused.sentence, FAILURES[PAUSED].action)


def start(
    chief: "Supervisor",
    run: Run,
    wanted: Wanted,
    backend: Backend,
    turn: turns.Turn | None,
    why: str,
) -> None:
    """Start the next attempt of a run; one of this machine is lent its devices, and keeps the turn.

    Nothing happens if the run has left the queue, the queue was paused, or the run was given
    another device than the wanted one meanwhile.
    """
    targets = turn.devices if turn else ()
    ids = tuple(target.id for target in targets)
    attempt = max(metrics.attempt_numbers(run.path), default=0) + 1
    live = LiveAttempt(run=run, attempt=attempt, devices=ids, state="starting", deaths=0,
                       backend=backend, name=new_job_name(run.id, attempt))  # fmt: skip
    if ids and not chief.store.index.lease(ids, run.id, attempt):
        return
    words: Any = {} if targets else {"message": f"Being handed over to {backend.title}."}
    moved = status.move(
        run.path,
        ("queued",),
        "starting",
        provided=lambda: wanted_by(run) == wanted and not pause.read(chief.store.root).is_on,
        attempt=attempt,
        device=live.device,
        **words,
    )
    if not moved:
        chief.set_leases()
        return
    live.deaths = moved.deaths
    chief.live[run.id] = live
    processes.say(f"{run.id}: attempt {attempt} on {live.device}")
    try:
        live.folder.mkdir(parents=True)
        plan = plan_of(live, targets, why, chief.command(run, attempt))
        files.write_json(live.folder / "attempt.json", plan)
        live.submitted = True
        backend.submit(submission_of(live, turn.keep if turn else ()))
    except NoAnswerError as error:  # its answers to come will say whether it was started
        live.submitted = False
        live.take(Job(found="unknown"))
        processes.say(f"{run.id}: {error}")
    except FullError as error:
        take_back(chief, live, str(error))
    except OSError as error:
        chief.settle(
            live, records.ShimEnd(error=str(error), refused=live.submitted and live.is_elsewhere)
        )


def take_back(chief: "Supervisor", live: LiveAttempt, words: str) -> None:
    """Let a run wait that a cluster does not take now; no attempt of it has been made."""
    chief.full[live.backend.key] = words, time.monotonic() + FULL_SECONDS
    shutil.rmtree(live.folder)
    chief.live.pop(live.run.id, None)
    status.move(live.run.path, ("starting",), "queued", message=words, device="",
                attempt=live.attempt - 1)  # fmt: skip
