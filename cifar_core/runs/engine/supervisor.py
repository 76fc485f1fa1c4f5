"""Reconciles the runs that live with what is wanted of them: the executor's judgement.

Everything it knows is on disk, so that it may be killed at any moment: the next one finds every
attempt by its lock and goes on. It alone moves the states of live runs.
"""

import os
import sqlite3
import time
from collections.abc import Callable, Mapping
from typing import Any

from cifar_core import device
from cifar_core.background import processes
from cifar_core.device import candidates
from cifar_core.disk import files, lock, space
from cifar_core.errors import DeviceError
from cifar_core.runs.engine import halving
from cifar_core.runs.engine.ending import Ending, conclude, failed
from cifar_core.runs.engine.live_attempts import (
    KILL,
    Live,
    has_saved,
    how_hard,
    launch,
    plan_of,
    press,
    trainer_command,
    words_of,
)
from cifar_core.runs.record import control, metrics, records, status
from cifar_core.runs.record.run import Run
from cifar_core.runs.record.states import FAILURES, STATES
from cifar_core.runs.store.run_row import RunRow
from cifar_core.runs.store.store import Store

LIVE = tuple(key for key, state in STATES.items() if state.is_live)
OWNED = (*LIVE, status.DAMAGED_FILE)  # what this process alone may move on
ADOPTED_SECONDS = 5.0  # for a shim to show itself when whoever started it is gone


class Supervisor:
    """Reconciles what is with what is wanted, one `step` at a time."""

    def __init__(
        self,
        store: Store,
        *,
        command: Callable[[Run, int], list[str]] = trainer_command,
        devices: list[device.Device] | None = None,
        grace_seconds: float = 10.0,  # before a request to stop is put more strongly
        start_seconds: float = 60.0,  # for a shim to show itself
    ) -> None:
        self.store, self.command = store, command
        self.devices = device.inventory() if devices is None else devices
        self.grace_seconds, self.start_seconds = grace_seconds, start_seconds
        self.live: dict[str, Live] = {}
        self.leases_are_due = False  # whether the index could not be written
        self.adopt()

    def adopt(self) -> None:
        """Take over the attempts of an executor that is gone, dead or alive."""
        for row in self.store.index.rows():
            run = self.run_of(row)
            now = run.status
            if now.is_live:
                self.live[run.id] = Live(run, now.attempt, now.device, now.state, now.deaths)
            elif now == status.DAMAGED:
                self.mend(run)
        self.set_leases()

    def run_of(self, row: RunRow) -> Run:
        """Return the run of a row."""
        return Run(self.store.root / "runs" / row.id)

    def set_leases(self) -> None:
        """Write down which devices are held, as far as this process knows: it alone lends them."""
        try:
            self.store.index.set_leases((a.device, a.run.id, a.attempt) for a in self.live.values())
        except sqlite3.DatabaseError:  # the disk is full, say; nothing is lent meanwhile
            self.leases_are_due = True
        else:
            self.leases_are_due = False

    def mend(self, run: Run) -> None:
        """Write a damaged status anew for a run whose trainer is alive."""
        numbers = metrics.attempt_numbers(run.path)
        folder = metrics.attempt_folder(run.path, max(numbers, default=0))
        if not lock.is_locked(folder / "lock"):
            return
        plan = metrics.attempt_plan(run.path, numbers[-1])
        where = plan.slot or plan.device or "cpu"
        live = Live(run, numbers[-1], where, "running", 0)
        self.live.setdefault(run.id, live)
        status.move(
            run.path, (status.DAMAGED_FILE,), live.state, attempt=live.attempt, device=where
        )

    def step(self, *, look: bool = True) -> bool:
        """Do what is due now; tell whether anything is about to change soon.

        `look` also goes through the whole store for runs that wait.
        """
        if self.leases_are_due:
            self.set_leases()
        for live in list(self.live.values()):
            self.observe(live)
        waiting = look and self.look()
        return waiting or any(live.state != "running" for live in self.live.values())

    def observe(self, live: Live) -> None:
        """Find out whether an attempt is over; if not, pass on what is asked of it."""
        if live.child and live.child.poll() is not None:
            live.child = None  # reaped; the lock and shim.json say the rest
        shim = files.read_if_there(live.folder / "shim.json", records.ShimRecord)
        alive = lock.is_locked(live.folder / "lock")
        if not alive and not shim and not self.fenced(live):
            return
        if alive:
            self.reflect(live, shim)
            return
        # read once more: the shim writes this just before it lets the lock go
        self.settle(live, files.read(live.folder / "shim.json", records.ShimRecord).ended)

    def fenced(self, live: Live) -> bool:
        """Give up an attempt whose shim has not shown itself in time; True when that is done.

        The record is written under the lock that a late shim has to take, so it finds it.
        """
        patience = self.start_seconds if live.child else min(ADOPTED_SECONDS, self.start_seconds)
        if time.monotonic() - live.since < patience:
            return False
        live.folder.mkdir(parents=True, exist_ok=True)
        mine = lock.take(live.folder / "lock", wait=False)
        if mine is None:  # it has shown itself this moment
            return False
        if not (live.folder / "shim.json").exists():
            # without a child it was another executor's, which may have died before the launch
            cause = "its keeper did not start" if live.child else ""
            ended = records.ShimEnd(error=cause, launched=bool(live.child), at=time.time())
            files.write_json(live.folder / "shim.json", records.ShimRecord(ended=ended))
        os.close(mine)
        return True

    def reflect(self, live: Live, shim: records.ShimRecord | None) -> None:
        """Show what a living attempt is doing, and press on if it was asked to end."""
        asked = control.read(live.run.path)
        if asked.sequence != live.sequence:
            live.sequence, live.asked, live.shown = asked.sequence, time.monotonic(), ""
        if asked.request:
            force = how_hard(asked.request, time.monotonic() - live.asked, self.grace_seconds)
            press(
                force,
                shim.trainer if shim else None,
                again=live.shown == f"{asked.request} {force}",
            )
            state = "pausing" if asked.request == "pause" else "stopping"
            self.show(live, state, f"{asked.request} {force}", self.words_for(asked.request, force))
            return
        start = files.read_if_there(live.folder / "start.json", records.AttemptStart)
        state = "running" if start else "starting"
        notice = (files.read(live.folder / "notice.json", records.Notice)).message
        words = {"message": notice} if notice else words_of(live.run, start, live.attempt)
        self.show(live, state, f"{state} {notice}", words)

    def show(self, live: Live, state: str, shown: str, words: Mapping[str, Any]) -> None:
        """Write a living run's state, unless that is what was written last."""
        if shown == live.shown:
            return
        live.state, live.shown = state, shown
        words = {"attempt": live.attempt, "device": live.device, **words}
        status.move(live.run.path, OWNED, state, **words)

    def words_for(self, request: str, force: int) -> dict[str, object]:
        """Return the sentence shown while a request is under way, and when more force follows."""
        words = {
            "epoch": "Stops at the end of this epoch.",
            "now": "Stops with a checkpoint of this moment.",
            "pause": "Saves a checkpoint and lets the device go.",
            "kill": "Is being ended without a checkpoint.",
        }[request]
        if request in ("now", "pause") and force:
            words = ("", "Did not react yet, and was told to by the system.",
                     "Did not react, and is being killed.")[force]  # fmt: skip
        patient = request in ("now", "pause") and force < KILL
        return {
            "message": words,
            "deadline": time.time() + self.grace_seconds if patient else 0.0,
        }

    def settle(self, live: Live, ended: records.ShimEnd | None) -> None:
        """Move a run on from an attempt that is over for certain, and free its device."""
        ending = conclude(
            attempt=live.attempt,
            result=files.read(live.folder / "result.json", records.AttemptResult),
            ended=ended or records.ShimEnd(),
            control=control.read(live.run.path),
            settings=halving.applied(live.run, live.attempt),
            saved=has_saved(live.run, live.attempt),
            deaths=live.deaths,
            smaller=halving.next_try(live.run, live.attempt),
        )
        self.write_ending(live, ending)
        if live.child:
            live.child.wait()  # its lock is free, so it has ended or is about to
        self.live.pop(live.run.id, None)
        self.set_leases()
        processes.say(f"{live.run.id}: {ending.state}. {ending.message}")

    def write_ending(self, live: Live, ending: Ending) -> None:
        """Keep how the attempt ended, and move the run on."""
        if live.folder.exists():
            end = records.AttemptEnd(message=ending.message, state=ending.state, at=time.time(),
                             micro_batch=ending.micro_batch)  # fmt: skip
            files.write_json(live.folder / "end.json", end)
        status.move(
            live.run.path,
            OWNED,
            ending.state,
            attempt=live.attempt,
            reason=ending.reason,
            message=ending.message,
            action=ending.action or STATES[ending.state].action,
            deaths=ending.deaths,
            suggestion=ending.suggestion,
            needs=ending.needs,
            device="",
        )

    def look(self) -> bool:
        """Go through the store: mend what is damaged, start what can; tell whether any waits."""
        rows = self.store.index.rows()
        for row in rows:
            if row.reason == "damaged":
                self.mend(self.run_of(row))
        for_room = [row for row in rows if row.state == "paused" and row.reason == "disk"]
        for row in for_room:
            self.go_on(self.run_of(row))
        waiting = [row for row in rows if row.state == "queued"]
        for row in sorted(waiting, key=lambda row: (row.position, row.number)):
            self.claim(self.run_of(row))
        return bool(waiting or for_room)

    def go_on(self, run: Run) -> None:
        """Put a run that was paused for want of room back into the queue, if there is room."""
        if space.is_free(max(run.status.needs, space.TO_START), self.store.root):
            run.enqueue(("paused",))

    def claim(self, run: Run) -> None:
        """Start a waiting run if a device that suits it is free."""
        taken = {live.device for live in self.live.values()}
        try:
            wanted = candidates(run.settings.get("device", "auto"), self.devices)
        except DeviceError as error:
            end = failed("device", str(error), {})
            status.move(run.path, ("queued",), "failed", reason=end.reason, message=end.message)
            return
        free = [place for place in wanted if place.id not in taken]
        if not free or run.id in self.live:
            return
        if space.is_free(space.TO_START, self.store.root):
            self.start(run, free[0])
        else:
            self.say_it_waits(run)

    def say_it_waits(self, run: Run) -> None:
        """Say that a run is not started because even the small files would not fit."""
        now = run.status
        words = f"Waits for room on the disk: {space.megabytes(space.TO_START)} must be free."
        if now.message != words:
            status.move(run.path, ("queued",), "queued", message=words, since=now.since,
                        action=FAILURES["disk"].action)  # fmt: skip

    def start(self, run: Run, place: device.Device) -> None:
        """Lend the device to the run and start its next attempt."""
        attempt = max(metrics.attempt_numbers(run.path), default=0) + 1
        if not self.store.index.lease(place.id, run.id, attempt):
            return
        moved = status.move(run.path, ("queued",), "starting", attempt=attempt, device=place.id)
        if not moved:  # taken out of the queue meanwhile
            self.set_leases()
            return
        live = Live(run, attempt, place.id, "starting", moved.deaths)
        self.live[run.id] = live
        processes.say(f"{run.id}: attempt {attempt} on {place.id}")
        try:
            live.folder.mkdir(parents=True)
            files.write_json(
                live.folder / "attempt.json",
                plan_of(run, attempt, place, self.devices, self.command(run, attempt)),
            )
            live.child = launch(live.folder)
        except OSError as error:
            self.settle(live, records.ShimEnd(error=str(error)))
