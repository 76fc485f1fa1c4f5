"""A handle on one run's folder. It holds no data, so it is never out of date."""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cifar_core.background import processes
from cifar_core.data.sizing import Sizing
from cifar_core.disk import edited, files, lock, space
from cifar_core.errors import RunError
from cifar_core.people import OPERATOR, Person, Role, local_user
from cifar_core.runs.record import action_log, checkpoints, control, metrics, profiles, status
from cifar_core.runs.record.action_log import Action
from cifar_core.runs.record.attempt import Attempt, attempt_of
from cifar_core.runs.record.checkpoints import CheckpointInfo
from cifar_core.runs.record.figures.summary_record import Summary
from cifar_core.runs.record.imported import refusals
from cifar_core.runs.record.metrics import Row
from cifar_core.runs.record.profiles import Profile
from cifar_core.runs.record.queue.priorities import position_of
from cifar_core.runs.record.records import About, Environment, PlainSettings
from cifar_core.runs.record.run_kinds import TRAINING
from cifar_core.runs.record.signs import silence
from cifar_core.runs.record.status import RunStatus

if TYPE_CHECKING:
    from cifar_core.config import TrainConfig

LONGEST_NAME = 80  # characters
RESUMABLE = ("paused", "stopped", "failed", status.DAMAGED_FILE)


@dataclass(frozen=True)
class Run:
    """One run, by its folder in the store, and the person on whose behalf it is used."""

    path: Path
    by: Person = field(default_factory=local_user, compare=False)

    @property
    def id(self) -> str:
        """The folder's name, such as "12-simple-cnn"."""
        return self.path.name

    @property
    def number(self) -> int:
        """The number at the start of the id, which no other run ever gets."""
        return int(self.id.split("-", 1)[0])

    @property
    def store_root(self) -> Path:
        """The folder of the store that it belongs to."""
        return self.path.parent.parent

    @property
    def about(self) -> About:
        """Its name, marks and origin, as about.json holds them."""
        return files.read(self.path / "about.json", About)

    @property
    def name(self) -> str:
        """The name that people gave it; its id if they gave none."""
        return self.about.name or self.id

    @property
    def owner(self) -> str:
        """The person who made it; empty if that was before runs had owners."""
        return self.about.owner

    @property
    def is_pinned(self) -> bool:
        """Whether nothing of it is ever deleted automatically."""
        return self.about.pinned

    @property
    def pinned_checkpoints(self) -> frozenset[str]:
        """The names of the checkpoints that are never deleted automatically; some may be gone."""
        return frozenset(self.about.pinned_checkpoints)

    @property
    def kind(self) -> str:
        """Its kind, a key of KINDS."""
        return self.about.kind or TRAINING

    @property
    def settings(self) -> dict[str, Any]:
        """The settings as plain values, without importing torch to check them."""
        values = files.read_json(self.path / "config.json", PlainSettings)
        values.pop("schema", None)
        return values

    @property
    def config(self) -> "TrainConfig":
        """The settings it trains with; since its first start, with the image size decided then."""
        from cifar_core.config import TrainConfig

        if not (settings := self.settings):  # never train with the defaults instead
            raise refusals.no_settings(self.id, self.kind)
        config, data = TrainConfig.from_dict(settings), self.environment.data
        return replace(config, image_size=data.side) if data.source else config

    @property
    def sizing(self) -> Sizing:
        """How large its images are, as decided at its first start."""
        data = self.environment.data
        return Sizing(side=data.side, fit=data.fit, stored=data.stored)

    @property
    def status(self) -> RunStatus:
        """Its state, with a sentence about it."""
        return status.read(self.path)

    @property
    def environment(self) -> Environment:
        """The versions, device, threads and data of its latest attempt; empty before the first."""
        return files.read(self.path / "environment.json", Environment)

    @property
    def source(self) -> str:
        """Where its images come from."""
        return self.environment.data.source or self.config.data

    @property
    def summary(self) -> Summary:
        """Its best and latest values, as the trainer writes them; empty before the first row."""
        return files.read(self.path / "summary.json", Summary)

    @property
    def silent_seconds(self) -> float | None:
        """How long its trainer has given no sign of life; None if that is no longer than usual."""
        return silence.silent_seconds(self.path)

    def metrics(self) -> list[Row]:
        """Return every row that counts, first to last."""
        return metrics.MetricsReader(self.path).poll().rows

    def ask_profile(self) -> int:
        """Request a profile of the next steps; return the number of the request."""
        refusals.refuse_curves(self.id, self.kind, "there is nothing to profile")
        with self.action("profile it", "profiled"), self._locked():
            if (state := self.status.state) not in ("starting", "running"):
                raise RunError(
                    f"Run {self.id} is {state}, and only a run that is training can be profiled. "
                    "Start it, or resume it."
                )
            return control.ask_profile(self.path).profiles

    @property
    def profile(self) -> Profile | None:
        """The latest profile of its steps; None if there is none."""
        return profiles.latest(self.path)

    @property
    def profile_is_due(self) -> bool:
        """Whether a profile has been requested that does not exist yet."""
        last = self.profile
        requested = control.read(self.path).profiles
        return self.status.is_live and requested > (last.request if last else 0)

    def log_tail(self, lines: int = 200) -> str:
        """Return the last lines that the latest attempt printed."""
        numbers = metrics.attempt_numbers(self.path)
        if not numbers:
            return ""
        return files.last_lines(metrics.attempt_folder(self.path, numbers[-1]) / "log.txt", lines)

    def history(self) -> list[Action]:
        """Return the actions of people on this run, newest first."""
        return action_log.latest(self.store_root, self.id)

    def attempts(self) -> list[Attempt]:
        """Describe its attempts, first to last."""
        return [attempt_of(self.path, n) for n in metrics.attempt_numbers(self.path) if n]

    def checkpoints(self) -> list[CheckpointInfo]:
        """Describe its complete checkpoints, newest first."""
        return checkpoints.listed(self.path)

    def checkpoint(self, name: str = "best") -> CheckpointInfo:
        """Return the checkpoint with a name; "best" and "last" are names too."""
        refusals.refuse_curves(self.id, self.kind, "there are no weights to use")
        return checkpoints.named(self.path, name)

    def rename(self, text: str, *, was: str | None = None) -> None:
        """Give it another name, unless it has another than `was` by now; its id stays."""
        text = " ".join(text.split())
        if not 1 <= len(text) <= LONGEST_NAME:
            raise RunError(
                f"A name must have 1 to {LONGEST_NAME} characters, but this one has {len(text)}."
            )
        with self.action("rename it", "renamed", text):
            self.change_about(
                lambda about: {"name": edited.checked("the name", about.name or self.id, was, text)}
            )

    def edit_about(self, **changes: Any) -> None:
        """Change entries of about.json, even while others are changing other entries."""
        self.change_about(lambda _: changes)

    def change_about(self, change: Callable[[About], Mapping[str, Any]]) -> None:
        """Change about.json by the entries that `change` returns for it, under the run's lock."""
        with self._locked():
            files.edit(self.path / "about.json", About, change)

    def stop(self, level: str = "now", *, reason: str = "", note: str = "") -> None:
        """Ask it to stop: after this "epoch", "now" with a checkpoint, or "kill" without one.

        A waiting run is stopped at once; one that is over stays as it is. A program that stops
        a run gives its reason.
        """
        if level not in ("epoch", "now", "kill"):
            raise RunError(f"Unknown way to stop: '{level}'. Known: epoch, now, kill.")
        with self.action("stop it", "stopped", level):
            if not self._leave_the_queue("stopped"):
                self._ask(level, reason=reason, note=note)

    def pause(self) -> None:
        """Ask it to save a checkpoint and release the device, to be resumed later."""
        with self.action("pause it", "paused"):
            if self._leave_the_queue("paused"):
                return
            if self.status.state == "stopping":
                raise RunError(f"Run {self.id} is already stopping. Resume it once it has stopped.")
            self._ask("pause")

    def resume(self) -> None:
        """Put it back into the queue, to continue from its newest checkpoint; idempotent."""
        state = self.status.state
        if state in ("queued", "starting", "running"):
            return
        refusals.refuse_curves(self.id, self.kind, "there is nothing to resume")
        if state not in RESUMABLE:
            raise RunError(f"Run {self.id} is {state}. {WHY_NOT_RESUMED[state]}")
        with self.action("resume it", "resumed"):
            self.enqueue(RESUMABLE)

    def action(
        self, request: str, did: str, detail: str = "", *, needed: Role = OPERATOR
    ) -> action_log.Change:
        """Change the run in a `with` block, as `action_log.action` says; it belongs to its owner.

        `request` completes "may not ..."; `did` is what the action log records after the block.
        """
        return action_log.action(
            self.store_root, self.by, f"{request} (run {self.id})", did,
            needed=needed, owner=self.owner, run=self.id, detail=detail,
        )  # fmt: skip

    def enqueue(self, expected: tuple[str, ...]) -> bool:
        """Move it from one of the expected states into the queue; return True if it was in one."""
        moved = status.move(
            self.path,
            expected,
            "queued",
            meanwhile=lambda: control.write(self.path, ""),
            position=position_of(self.about.priority),
            deaths=0,
        )
        processes.ensure_running(self.store_root)
        return moved is not None

    def _leave_the_queue(self, to: str) -> bool:
        """Stop or pause a run that has no process; return True if it has none, or is over."""
        space.release_reserve(self.store_root)
        words = "Removed from the queue."
        now = self.status
        if now.state == "paused" and now.is_under_way:  # it would continue automatically
            words = "It was waiting for disk space."
        waits = ("queued", now.state) if now.is_under_way and not now.is_live else ("queued",)
        moved = status.move(self.path, waits, to, message=words)
        return moved is not None or not self.status.is_live

    def _ask(self, request: str, *, reason: str = "", note: str = "") -> None:
        """Write a request, unless a stronger one is under way, and make sure that it is read."""
        with self._locked():
            if not self.status.is_live:
                return
            if control.STRENGTH[request] > control.STRENGTH[control.read(self.path).request]:
                control.write(self.path, request, reason=reason, note=note)
        processes.ensure_running(self.store_root)

    def _locked(self) -> contextlib.AbstractContextManager[None]:
        return lock.held(self.path / ".lock")


WHY_NOT_RESUMED = {
    "draft": "Start it instead.",
    "finished": "Nothing is left to train; train it on.",
    "pausing": "Resume it once it has paused.",
    "stopping": "Resume it once it has stopped.",
}
