"""Reconciles the live runs with the requests to them: the deciding part of the executor.

Everything it knows is on disk, so that it may be killed at any moment: the next one finds every
attempt by its lock and takes over. It alone moves the states of live runs.
"""

import math
import sqlite3
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from cifar_core.background import processes
from cifar_core.disk import files, lock
from cifar_core.runs.backends.backend import Backend, Job
from cifar_core.runs.backends.backends import Backends
from cifar_core.runs.backends.local import LOCAL
from cifar_core.runs.backends.naming import new_job_name
from cifar_core.runs.engine import following, halving, lending
from cifar_core.runs.engine.ending import Ending, conclude
from cifar_core.runs.engine.live_attempts import (
    LiveAttempt,
    has_saved,
    last_words,
    sentence_of,
    trainer_command,
)
from cifar_core.runs.engine.never_begun import is_given_up
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
UNKNOWN = Job(found="unknown")


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
        look_seconds: float = 3.0,  # between two questions to a cluster
        quiet_seconds: float = 10.0,  # before it is shown that a cluster does not answer
    ) -> None:
        self.store, self.command = store, command
        self.roster = roster or Roster(store.root)
        self.backends = backends or Backends(store.root)
        self.grace_seconds = grace_seconds
        self.look_seconds, self.quiet_seconds = look_seconds, quiet_seconds
        self.answered_at: dict[str, float] = {}  # by backend, on this process's own clock
        self.deaf_until: dict[str, float] = {}  # by backend that did not answer, likewise
        self.full: dict[str, tuple[str, float]] = {}  # why one takes no more, and until when
        self.submits_until = 0.0  # when the time to hand runs over ends, on the same clock
        self.has_more = False  # whether runs are left that could be handed over now
        self.live: dict[str, LiveAttempt] = {}
        self.kept_free: set[str] = set()  # devices, for runs that wait for more than are free
        self.leases_are_due = False  # True after the index could not be written
        self.has_waiting = True  # whether the last scan saw a run that waits, also for the disk
        self.adopt()

    def adopt(self) -> None:
        """Take over the attempts of an earlier executor, whether live or dead."""
        self.backends.refresh()
        for row in self.store.index.rows():
            run = self.run_of(row)
            now = run.status
            if now.is_live:
                self.live[run.id] = self.adopted(run, now)
            elif now == status.DAMAGED:
                self.repair(run)
        self.set_leases()

    def adopted(self, run: Run, now: status.RunStatus) -> LiveAttempt:
        """Return an attempt that another executor planned, with its devices."""
        plan = metrics.attempt_plan(run.path, now.attempt)
        backend = self.backends.of(plan.place)
        here = () if plan.place else (plan.slot or plan.device or "cpu",)
        node = now.device.removeprefix(backend.title).strip() if plan.place else ""
        return LiveAttempt(
            run=run, attempt=now.attempt, devices=tuple(plan.slots) or here, state=now.state,
            deaths=now.deaths, since=now.since, backend=backend,
            name=plan.job or new_job_name(run.id, now.attempt),
            job=Job(found="unknown", node=node), unanswered=now.unanswered,
        )  # fmt: skip

    def run_of(self, row: RunRow) -> Run:
        """Return the run of a row."""
        return Run(self.store.root / "runs" / row.id)

    def set_leases(self) -> None:
        """Write which devices are in use: this process alone lends them."""
        try:
            held = [(device, a) for a in self.live.values() for device in a.devices]
            self.store.index.set_leases((device, a.run.id, a.attempt) for device, a in held)
        except (sqlite3.DatabaseError, OSError):  # such as a full disk; nothing is lent meanwhile
            self.leases_are_due = True
        else:
            self.leases_are_due = False

    def repair(self, run: Run) -> None:
        """Rewrite a damaged status of a run whose trainer is alive."""
        numbers = metrics.attempt_numbers(run.path)
        last = max(numbers, default=0)
        folder = metrics.attempt_folder(run.path, last)
        ended = files.read(folder / "shim.json", records.ShimRecord).ended
        is_elsewhere = bool(metrics.attempt_plan(run.path, last).place)
        # the lock of another machine may not be seen here
        if not lock.is_locked(folder / "lock") and (ended or not is_elsewhere):
            return
        was = status.RunStatus(state="running", attempt=last, since=time.time())
        live = self.live.setdefault(run.id, self.adopted(run, was))
        status.move(run.path, (status.DAMAGED_FILE,), live.state, attempt=live.attempt,
                    device=live.device)  # fmt: skip

    def step(self, *, scan: bool = True) -> bool:
        """Do everything that is due now; return True if something will change soon.

        `scan` also goes through the whole store for waiting runs.
        """
        if self.leases_are_due:
            self.set_leases()
        if scan:
            self.refresh()
        self.look()
        for live in list(self.live.values()):
            self.attend(live)
        changed = self.roster.step(self.lent())
        waiting = (scan or changed or self.has_more) and lending.scan(self)
        is_moving = any(live.is_moving for live in self.live.values())
        return waiting or is_moving or self.roster.probing is not None

    @property
    def is_resting(self) -> bool:
        """Whether nothing trains, waits or is probed, so that only a request changes anything."""
        return not (self.live or self.has_waiting or self.leases_are_due or self.roster.probing)

    def refresh(self) -> None:
        """Follow changes of backend.json."""
        self.backends.refresh()
        for live in self.live.values():
            live.backend = self.backends.of(live.backend.key)

    def lent(self) -> set[str]:
        """Return the ids of the devices in use."""
        return {device for live in self.live.values() for device in live.devices}

    def pace(self, backend: Backend) -> float:
        """Return how many seconds lie between two questions to a backend at least."""
        return 0.0 if backend.key == LOCAL else self.look_seconds

    def ask_soon(self, backend: Backend) -> None:
        """Ask a backend at the next step how its attempts are, as it has just changed one."""
        self.answered_at.pop(backend.key, None)

    def look(self) -> None:
        """Ask each backend, with one question, how its attempts are, unless it has just said so."""
        now, by_backend = time.monotonic(), defaultdict[str, list[LiveAttempt]](list)
        for live in self.live.values():
            by_backend[live.backend.key].append(live)
        for key, mine in by_backend.items():
            backend = mine[0].backend
            if now - self.answered_at.get(key, -math.inf) < self.pace(backend):
                continue
            jobs = backend.look({live.name: live.folder for live in mine})
            self.answered_at[key] = time.monotonic()
            for live in mine:
                live.take(jobs.get(live.name, UNKNOWN), self.quiet_seconds)

    def attend(self, live: LiveAttempt) -> None:
        """Observe an attempt if that is due; trouble with its files concerns no other one."""
        if not live.look.now(live.folder, live.control) and not live.request:
            return
        try:
            self.observe(live)
            live.trouble = ""
        except OSError as error:  # such as a full disk, or a folder that a person has removed
            live.look.is_due = True
            if str(error) != live.trouble:
                live.trouble = str(error)
                processes.say(f"{live.run.id}: {error}")

    def observe(self, live: LiveAttempt) -> None:
        """Check whether an attempt is over; if not, follow the requests to it."""
        path = live.folder / "shim.json"
        shim = files.read_if_there(path, records.ShimRecord)
        live.has_begun = live.has_begun or shim is not None
        may_be_over = live.has_ended(shim) or following.is_taken_back(self, live)
        may_be_over = may_be_over and not lock.is_locked(live.folder / "lock")
        if may_be_over:
            following.notice(live)
        if may_be_over and (shim or is_given_up(live)):
            # read once more: the shim writes this just before it releases the lock
            ended = files.read(path, records.ShimRecord).ended or records.ShimEnd()
            if live.awaits_words(ended):
                self.ask_soon(live.backend)
            else:
                self.settle(live, ended)
            return
        live.look.is_due = live.look.is_due or live.has_ended(shim)
        self.update(live)

    def update(self, live: LiveAttempt) -> None:
        """Show what a live attempt is doing, and make it end if that was requested."""
        following.notice(live)
        if live.request:
            following.follow(self, live)
            return
        if live.sentence is None:
            start = files.read_if_there(live.folder / "start.json", records.AttemptStart)
            live.sentence = sentence_of(live.run, start, live.attempt) if start else None
        state = "starting" if live.sentence is None else "running"
        notice = (files.read(live.folder / "notice.json", records.Notice)).message
        said: Mapping[str, Any] = live.sentence or live.waiting_words
        if notice:
            said = {"message": notice}
        self.show(live, state, f"{state} {said}", said)

    def show(self, live: LiveAttempt, state: str, shown: str, words: Mapping[str, Any]) -> None:
        """Write a live run's state, unless it was the last one written."""
        unanswered = live.unanswered if live.silent else 0.0
        shown = f"{shown} {live.device} {unanswered}"
        if shown == live.shown:
            return
        since = live.since if state == live.state else time.time()
        words = {"attempt": live.attempt, "device": live.device, "unanswered": unanswered,
                 "since": since, **words}  # fmt: skip
        status.move(live.run.path, OWNED, state, **words)
        live.state, live.shown, live.since = state, shown, since

    def settle(self, live: LiveAttempt, ended: records.ShimEnd) -> None:
        """Move a run on from an attempt that is over for certain, and free its device."""
        result = result_of(live.folder)
        if live.is_unexplained(ended):
            ended = replace(ended, said=ended.said or live.words_of_cluster)
        ending = conclude(
            attempt=live.attempt,
            result=result,
            ended=ended,
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
            unanswered=0.0,
        )
