"""Gives free devices to the runs that wait, in the order of the queue, unless it is paused."""

from typing import TYPE_CHECKING

from cifar_core.background import processes
from cifar_core.devices import turns
from cifar_core.disk import files, space
from cifar_core.errors import DeviceError, OutOfServiceError
from cifar_core.runs.engine.ending import failed
from cifar_core.runs.engine.live_attempts import LiveAttempt, launch, plan_of
from cifar_core.runs.engine.waiting import is_too_late, show_as_usual, show_waiting
from cifar_core.runs.record import metrics, records, status
from cifar_core.runs.record.run import Run
from cifar_core.runs.record.states import FAILURES, STATES
from cifar_core.runs.store.queue import pause
from cifar_core.runs.store.queue.order import queue_order
from cifar_core.runs.store.run_row import RunRow

if TYPE_CHECKING:
    from cifar_core.runs.engine.supervisor import Supervisor

PAUSED = "queue_paused"  # why a run waits: a key of FAILURES


def scan(chief: "Supervisor") -> bool:
    """Go through the store: repair statuses, start waiting runs; return True if more may start."""
    rows = chief.store.index.rows()
    for row in rows:
        if row.reason == "damaged":
            chief.repair(chief.run_of(row))
    for_space = [row for row in rows if row.state == "paused" and row.reason == "disk"]
    for row in for_space:
        requeue(chief, chief.run_of(row))
    waiting = queue_order(rows)
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
    """Start a waiting run if a device that suits it is free."""
    device = device_of(run)
    try:
        wanted = chief.roster.candidates(device)
    except OutOfServiceError as error:
        show_waiting(run, "device", str(error), STATES["queued"].action)
        return
    except DeviceError as error:
        end = failed("device", str(error), {})
        status.move(run.path, ("queued",), "failed", reason=end.reason, message=end.message)
        return
    lent = chief.lent()
    free = [candidate for candidate in wanted if candidate.id not in lent]
    if free and not space.is_free(space.TO_START, chief.store.root):
        words = f"Waiting for disk space: {space.megabytes(space.TO_START)} must be free."
        show_waiting(run, "disk", words, FAILURES["disk"].action)
        return
    with turns.first_free(chief.store.root, free) as turn:
        if turn and run.id not in chief.live:
            start(chief, run, turn, device)
        else:
            show_as_usual(run)


def device_of(run: Run) -> str:
    """Return the device that a run asks for."""
    return str(run.settings.get("device", "auto"))


def show_paused(run: Run, row: RunRow, paused: pause.Pause) -> None:
    """Show that a run waits because the queue is paused, unless its row says so already."""
    if row.message != paused.sentence:
        show_waiting(run, PAUSED, paused.sentence, FAILURES[PAUSED].action)


def start(chief: "Supervisor", run: Run, turn: turns.Turn, wanted: str) -> None:
    """Lend the device to the run and start its next attempt, which keeps the turn.

    Nothing happens if the run has left the queue, the queue was paused, or the run was given
    another device than the wanted one meanwhile.
    """
    target = turn.device
    attempt = max(metrics.attempt_numbers(run.path), default=0) + 1
    if not chief.store.index.lease(target.id, run.id, attempt):
        return
    moved = status.move(
        run.path,
        ("queued",),
        "starting",
        provided=lambda: device_of(run) == wanted and not pause.read(chief.store.root).is_on,
        attempt=attempt,
        device=target.id,
    )
    if not moved:
        chief.set_leases()
        return
    live = LiveAttempt(run, attempt, target.id, "starting", moved.deaths)
    chief.live[run.id] = live
    processes.say(f"{run.id}: attempt {attempt} on {target.id}")
    try:
        live.folder.mkdir(parents=True)
        why = chief.roster.why(wanted, target)
        plan = plan_of(run, attempt, target, why, chief.command(run, attempt))
        files.write_json(live.folder / "attempt.json", plan)
        live.child = launch(live.folder, turn.keep)
    except OSError as error:
        chief.settle(live, records.ShimEnd(error=str(error)))
