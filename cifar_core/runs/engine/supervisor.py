"""Reconciles the live runs with the requests to them: the deciding part of the executor.

Everything it knows is on disk, so that it may be killed at any moment: the next one finds every
attempt by its lock and takes over. It alone moves the states of live runs.
"""

import os
import sqlite3
import time
from collections.abc import Callable, Mapping
from typing import Any

from cifar_core.background import processes
from cifar_core.disk import files, lock
from cifar_core.runs.backends.backends import Backends, Missing
from cifar_core.runs.engine import halving, lending
from cifar_core.runs.engine.ending import Ending, conclude
from cifar_core.runs.engine.live_attempts import (
    KILL,
    TERMINATE,
    LiveAttempt,
    force_of,
    has_saved,
    last_words,
    sentence_of,
    trainer_command,
    words_for,
)
from cifar_core.runs.engine.roster import Roster
from cifar_core.runs.engine.several import result_of, suspected
from cifar_core.runs.record import control, metrics, records, status
from cifar_core.runs.record.divergences.decisions import divergences
from cifar_core.runs.record.run import Run
from cifar_core.runs.record.states import STATES
from cifar_core.runs.store.run_row import RunRow
from cifar_core.runs.store.store import Store

LIVE = tuple(key for key, state in STATES.items() if state.is_live)
OWNED = (*LIVE, status.DAMAGED_FILE)  # states that only this process may leave


class Supervisor:
    """Reconciles the live runs with the requests, one `step` at a time."""

    def __init__(
        self,
        store: Store,
        *,
        command: Callable[[Run, int], list[str]] = trainer_command,
        roster: Roster | None = None,
        backends: Backends | None = None,
        grace_seconds: float = 10.0,  # before a request to stop becomes more forceful
    ) -> None:
        self.store, self.command = store, command
        self.roster = roster or Roster(store.root)
        self.backends = backends or Backends(store.root)
        self.grace_seconds = grace_seconds
        self.live: dict[str, LiveAttempt] = {}
        self.kept_free: set[str] = set()  # devices, for runs that wait for more than are free
        self.leases_are_due = False  # True after the index could not be written
        self.adopt()

    def adopt(self) -> None:
        """Take over the attempts of an earlier executor, whether live or dead."""
        self.backends.refresh()
        for row in self.store.index.rows():
            run = self.run_of(row)
            now = run.status
            if now.is_live:
                self.live[run.id] = self.adopted(run, now.attempt, now.state, now.deaths)
            elif now == status.DAMAGED:
                self.repair(run)
        self.set_leases()

    def adopted(self, run: Run, attempt: int, state: str, deaths: int) -> LiveAttempt:
        """Return an attempt that another executor planned, with its devices."""
        plan = metrics.attempt_plan(run.path, attempt)
        backend = self.backends.get(plan.place) or Missing(plan.place)
        here = () if plan.place else (plan.slot or plan.device or "cpu",)
        devices = tuple(plan.slots) or here
        return LiveAttempt(run=run, attempt=attempt, devices=devices, state=state, deaths=deaths,
                           backend=backend)  # fmt: skip

    def run_of(self, row: RunRow) -> Run:
        """Return the run of a row."""
        return Run(self.store.root / "runs" / row.id)

    def set_leases(self) -> None:
        """Write which devices are in use: this process alone lends them."""
        try:
            held = [(device, a) for a in self.live.values() for device in a.devices]
            self.store.index.set_leases((device, a.run.id, a.attempt) for device, a in held)
        except sqlite3.DatabaseError:  # such as a full disk; nothing is lent meanwhile
            self.leases_are_due = True
        else:
            self.leases_are_due = False

    def repair(self, run: Run) -> None:
        """Rewrite a damaged status of a run whose trainer is alive."""
        numbers = metrics.attempt_numbers(run.path)
        folder = metrics.attempt_folder(run.path, max(numbers, default=0))
        if not lock.is_locked(folder / "lock"):
            return
        live = self.live.setdefault(run.id, self.adopted(run, numbers[-1], "running", 0))
        status.move(run.path, (status.DAMAGED_FILE,), live.state, attempt=live.attempt,
                    device=live.device)  # fmt: skip

    def step(self, *, scan: bool = True) -> bool:
        """Do everything that is due now; return True if something will change soon.

        `scan` also goes through the whole store for waiting runs.
        """
        if self.leases_are_due:
            self.set_leases()
        if scan:
            self.backends.refresh()
        self.look()
        for live in list(self.live.values()):
            self.observe(live)
        changed = self.roster.step(self.lent())
        waiting = (scan or changed) and lending.scan(self)
        is_moving = any(live.state != "running" for live in self.live.values())
        return waiting or is_moving or self.roster.probing is not None

    def lent(self) -> set[str]:
        """Return the ids of the devices in use."""
        return {device for live in self.live.values() for device in live.devices}

    def look(self) -> None:
        """Ask each backend, with one question, how its attempts are."""
        for backend in {live.backend.key: live.backend for live in self.live.values()}.values():
            mine = [live for live in self.live.values() if live.backend is backend]
            jobs = backend.look({live.name: live.folder for live in mine})
            for live in mine:
                live.take(jobs[live.name])

    def observe(self, live: LiveAttempt) -> None:
        """Check whether an attempt is over; if not, follow the requests to it."""
        path = live.folder / "shim.json"
        shim = files.read_if_there(path, records.ShimRecord)
        may_be_over = not lock.is_locked(live.folder / "lock") and live.has_ended(shim)
        if may_be_over and (shim or self.is_given_up(live)):
            # read once more: the shim writes this just before it releases the lock
            self.settle(live, files.read(path, records.ShimRecord).ended)
        else:
            self.update(live)

    def is_given_up(self, live: LiveAttempt) -> bool:
        """Give up an attempt that is gone and has not begun; return True if done.

        The record is written under the lock that a late shim has to take, so it finds it.
        """
        live.folder.mkdir(parents=True, exist_ok=True)
        mine = lock.take(live.folder / "lock", wait=False)
        if mine is None:  # it has taken it this moment
            return False
        if not (live.folder / "shim.json").exists():
            # another executor should have had it started, and may have died before
            cause = "its shim did not start" if live.submitted else ""
            ended = records.ShimEnd(error=cause, launched=live.submitted, at=time.time())
            files.write_json(live.folder / "shim.json", records.ShimRecord(ended=ended))
        os.close(mine)
        return True

    def update(self, live: LiveAttempt) -> None:
        """Show what a live attempt is doing, and make it end if that was requested."""
        latest = control.read(live.run.path)
        if latest.sequence != live.sequence:
            live.sequence, live.requested_at, live.shown = latest.sequence, time.monotonic(), ""
        if latest.request:
            force = force_of(
                latest.request, time.monotonic() - live.requested_at, self.grace_seconds
            )
            if force == KILL or (force == TERMINATE and live.shown != f"{latest.request} {force}"):
                live.backend.end(live.name, live.folder, hard=force == KILL)
            state = "pausing" if latest.request == "pause" else "stopping"
            about = words_for(latest.request, force, self.grace_seconds)
            self.show(live, state, f"{latest.request} {force}", about)
            return
        start = files.read_if_there(live.folder / "start.json", records.AttemptStart)
        state = "running" if start else "starting"
        notice = (files.read(live.folder / "notice.json", records.Notice)).message
        said = {"message": notice} if notice else sentence_of(live.run, start, live.attempt)
        self.show(live, state, f"{state} {notice}", said)

    def show(self, live: LiveAttempt, state: str, shown: str, words: Mapping[str, Any]) -> None:
        """Write a live run's state, unless it was the last one written."""
        if shown == live.shown:
            return
        live.state, live.shown = state, shown
        words = {"attempt": live.attempt, "device": live.device, **words}
        status.move(live.run.path, OWNED, state, **words)

    def settle(self, live: LiveAttempt, ended: records.ShimEnd | None) -> None:
        """Move a run on from an attempt that is over for certain, and free its device."""
        result = result_of(live.folder)
        ending = conclude(
            attempt=live.attempt,
            result=result,
            ended=ended or records.ShimEnd(),
            control=control.read(live.run.path),
            settings=halving.applied(live.run, live.attempt),
            saved=has_saved(live.run, live.attempt),
            deaths=live.deaths,
            smaller=halving.next_try(live.run, live.attempt),
            diverged_before=len(divergences(live.run.path)),
            last_words=last_words(live.folder),
        )
        self.write_ending(live, ending)
        suspects = suspected(live.devices, result)
        for device in live.devices:
            if ending.device_failure and device in suspects:
                self.roster.lose(device, ending.device_failure)
            else:
                self.roster.praise(device)
        self.live.pop(live.run.id, None)
        self.set_leases()
        processes.say(f"{live.run.id}: {ending.state}. {ending.message}")

    def write_ending(self, live: LiveAttempt, ending: Ending) -> None:
        """Record how the attempt ended, and move the run to its next state."""
        if live.folder.exists():
            end = records.AttemptEnd(
                message=ending.message, state=ending.state, at=time.time(),
                micro_batch=ending.micro_batch, diverged_at=ending.diverged_at,
            )  # fmt: skip
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
