"""A handle on one run's folder. It holds no data, so it is never out of date."""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cifar_core.background import processes
from cifar_core.disk import files, lock
from cifar_core.errors import RunError
from cifar_core.people import OPERATOR, Person, local_user
from cifar_core.runs.record import action_log, checkpoints, control, metrics, profiles, status
from cifar_core.runs.record.action_log import Action
from cifar_core.runs.record.attempt import Attempt, attempt_of
from cifar_core.runs.record.checkpoints import CheckpointInfo
from cifar_core.runs.record.metrics import Row
from cifar_core.runs.record.profiles import Profile
from cifar_core.runs.record.records import About, Environment, PlainSettings, Summary
from cifar_core.runs.record.run_kinds import TRAINING
from cifar_core.runs.record.status import RunStatus

if TYPE_CHECKING:
    from cifar_core.config import TrainConfig

RESUMABLE = ("paused", "stopped", "failed", status.DAMAGED_FILE)


@dataclass(frozen=True)
class Run:
    """One run, by its folder in the store, and whoever asks for something to be done to it."""

    path: Path
    by: Person = field(default_factory=local_user, compare=False)

    @property
    def id(self) -> str:
        """The folder's name, such as "12-simple-cnn"."""
        return self.path.name

    @property
    def number(self) -> int:
        """The part of the id that nothing else ever has."""
        return int(self.id.split("-", 1)[0])

    @property
    def store_root(self) -> Path:
        """The folder of the store that it belongs to."""
        return self.path.parent.parent

    @property
    def about(self) -> About:
        """Its name, when it was made, and the run that it was cloned from."""
        return files.read(self.path / "about.json", About)

    @property
    def name(self) -> str:
        """What people call it."""
        return self.about.name or self.id

    @property
    def owner(self) -> str:
        """Whoever made it; empty if that was before runs had owners."""
        return self.about.owner

    @property
    def is_pinned(self) -> bool:
        """Whether it must be kept for good, with all that belongs to it."""
        return self.about.pinned

    @property
    def pinned_checkpoints(self) -> frozenset[str]:
        """The names of the checkpoints that must be kept for good; some may be gone already."""
        return frozenset(self.about.pinned_checkpoints)

    @property
    def kind(self) -> str:
        """What it is for, a key of KINDS."""
        return self.about.kind or TRAINING

    @property
    def settings(self) -> dict[str, Any]:
        """The settings as plain values, without importing torch to check them."""
        values = files.read_json(self.path / "config.json", PlainSettings)
        values.pop("schema", None)
        return values

    @property
    def config(self) -> "TrainConfig":
        """The settings it trains with."""
        from cifar_core.config import TrainConfig

        if not (settings := self.settings):  # never train with the defaults instead
            raise RunError(
                f"config.json of run {self.id} is missing or damaged, so nobody knows its settings "
                f"any more. Put it back from a backup, or delete the run."
            )
        return TrainConfig.from_dict(settings)

    @property
    def status(self) -> RunStatus:
        """Where it stands."""
        return status.read(self.path)

    @property
    def environment(self) -> Environment:
        """Versions, device, threads and data of its latest attempt; empty before the first."""
        return files.read(self.path / "environment.json", Environment)

    @property
    def source(self) -> str:
        """Where its images come from."""
        return self.environment.data.source or self.config.data

    @property
    def summary(self) -> Summary:
        """The best and the latest values, kept by the trainer; empty before its first row."""
        return files.read(self.path / "summary.json", Summary)

    @property
    def seconds_since_news(self) -> float | None:
        """How long ago the trainer last gave a sign of life; None if it never did."""
        numbers = metrics.attempt_numbers(self.path)
        if not numbers:
            return None
        try:
            beat = (metrics.attempt_folder(self.path, numbers[-1]) / "lock").stat().st_mtime
        except FileNotFoundError:
            return None
        return max(0.0, time.time() - beat)

    def metrics(self) -> list[Row]:
        """Return every row that counts, first to last."""
        return metrics.MetricsReader(self.path).poll().rows

    def ask_profile(self) -> int:
        """Ask the trainer where the time of a step goes; return the number of the request."""
        with self.deed("profile it", "profiled"), self._locked():
            if (state := self.status.state) not in ("starting", "running"):
                raise RunError(
                    f"Run {self.id} is {state}, and only the steps of a run that trains can be "
                    "profiled. Start it, or resume it."
                )
            return control.ask_profile(self.path).profiles

    @property
    def profile(self) -> Profile | None:
        """Where the time of its steps went, the last time that somebody asked."""
        return profiles.latest(self.path)

    @property
    def profile_is_due(self) -> bool:
        """Whether a profile has been asked for that is yet to come."""
        last = self.profile
        asked = control.read(self.path).profiles
        return self.status.is_live and asked > (last.request if last else 0)

    def log_tail(self, lines: int = 200) -> str:
        """Return the end of what the latest attempt printed."""
        numbers = metrics.attempt_numbers(self.path)
        if not numbers:
            return ""
        return files.last_lines(metrics.attempt_folder(self.path, numbers[-1]) / "log.txt", lines)

    def history(self) -> list[Action]:
        """Return what people asked for, newest first."""
        return action_log.deeds(self.store_root, self.id)

    def attempts(self) -> list[Attempt]:
        """Describe its attempts, first to last."""
        return [attempt_of(self.path, n) for n in metrics.attempt_numbers(self.path)]

    def checkpoints(self) -> list[CheckpointInfo]:
        """Describe its complete checkpoints, newest first."""
        return checkpoints.listed(self.path)

    def checkpoint(self, name: str = "best") -> CheckpointInfo:
        """Return the checkpoint of a name; "best" and "last" are names too."""
        found = self.checkpoints()
        if not found:
            raise RunError(
                f"Run {self.id} has no checkpoint yet. One is saved at the end of each epoch."
            )
        if name == "last":
            return found[0]
        if name == "best":
            marked = [info for info in found if info.best]
            return (marked or sorted(found, key=lambda c: c.val_accuracy or 0.0)[-1:])[0]
        for info in found:
            if info.name == name:
                return info
        known = ", ".join(info.name for info in found)
        raise RunError(f"Run {self.id} has no checkpoint called '{name}'. It has: {known}.")

    def rename(self, text: str) -> None:
        """Give it another name; its id stays."""
        text = " ".join(text.split())
        if not 1 <= len(text) <= 80:
            raise RunError(f"A name must have 1 to 80 characters, but this has {len(text)}.")
        with self.deed("rename it", "renamed", text):
            self.edit_about(name=text)

    def edit_about(self, **changes: Any) -> None:
        """Change what about.json says, while others may be changing something else of it."""
        self.change_about(lambda _: changes)

    def change_about(self, change: Callable[[About], Mapping[str, Any]]) -> None:
        """Change about.json by what `change` makes of what it says, with nobody in between."""
        with self._locked():
            files.edit(self.path / "about.json", About, change)

    def stop(self, level: str = "now", *, reason: str = "", note: str = "") -> None:
        """Ask it to end: after this "epoch", "now" with a checkpoint, or "kill" without.

        A run that waits is stopped at once; stopping one that is over is fine. A program that
        stops it says why.
        """
        if level not in ("epoch", "now", "kill"):
            raise RunError(f"There is no way to stop called '{level}'. Known: epoch, now, kill.")
        with self.deed("stop it", "stopped", level):
            if not self._leave_the_queue("stopped"):
                self._ask(level, reason=reason, note=note)

    def pause(self) -> None:
        """Ask it to save itself and let the device go, to be resumed later."""
        with self.deed("pause it", "paused"):
            if self._leave_the_queue("paused"):
                return
            if self.status.state == "stopping":
                raise RunError(f"Run {self.id} is stopping already. Resume it when it has stopped.")
            self._ask("pause")

    def resume(self) -> None:
        """Put it back into the queue, to go on from its newest checkpoint; idempotent."""
        state = self.status.state
        if state in ("queued", "starting", "running"):
            return
        if state not in RESUMABLE:
            raise RunError(f"Run {self.id} is {state}. {HOW_TO_GO_ON[state]}")
        with self.deed("resume it", "resumed"):
            self.enqueue(RESUMABLE)

    @contextlib.contextmanager
    def deed(self, asked: str, did: str, detail: str = "") -> Iterator[None]:
        """Do something to the run in a `with` block if its owner and the role allow it.

        `asked` completes "may not ..."; `did` is what is written down when the block is over.
        """
        self.by.must(OPERATOR, f"{asked} (run {self.id})", self.owner)
        yield
        action_log.note(self.store_root, by=self.by.name, did=did, run=self.id, detail=detail)

    def enqueue(self, expected: tuple[str, ...]) -> bool:
        """Move it from one of the expected states into the queue; tell whether that happened."""
        moved = status.move(
            self.path,
            expected,
            "queued",
            meanwhile=lambda: control.write(self.path, ""),
            position=time.time(),
            deaths=0,
        )
        processes.ensure_running(self.store_root)
        return moved is not None

    def _leave_the_queue(self, to: str) -> bool:
        """End a run that no process belongs to yet; tell whether it was one, or is over."""
        words = "Taken out of the queue before it started."
        now = self.status
        if now.state == "paused" and now.is_under_way:  # it would go on by itself
            words = now.message
        waits = ("queued", now.state) if now.is_under_way and not now.is_live else ("queued",)
        moved = status.move(self.path, waits, to, message=words)
        return moved is not None or not self.status.is_live

    def _ask(self, request: str, *, reason: str = "", note: str = "") -> None:
        """Write a request, unless a stronger one is under way, and see to it that it is read."""
        with self._locked():
            if not self.status.is_live:
                return
            if control.STRENGTH[request] > control.STRENGTH[control.read(self.path).request]:
                control.write(self.path, request, reason=reason, note=note)
        processes.ensure_running(self.store_root)

    def _locked(self) -> contextlib.AbstractContextManager[None]:
        return lock.held(self.path / ".lock")


HOW_TO_GO_ON = {
    "draft": "Start it instead.",
    "finished": "There is nothing left to train; clone it to train longer.",
    "pausing": "Resume it when it has paused, in a few seconds.",
    "stopping": "Resume it when it has stopped, in a few seconds.",
}
