"""Trains one attempt of a run in a process of its own.

The trainer yields events; this writes them into the run's folder, saves checkpoints and follows
requests between two batches. It never opens the database.
"""

import sys
import time
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING, Any

from cifar_core.errors import DiskFullError
from cifar_core.reading.ends import LAST_EPOCH, after_divergences
from cifar_core.runs.engine.full_disk import RowWriter
from cifar_core.runs.engine.worker.attempt import main, run_attempt
from cifar_core.runs.engine.worker.background_write import BackgroundWrite
from cifar_core.runs.engine.worker.base_worker import SUMMARY_SECONDS, BaseWorker, say
from cifar_core.runs.engine.worker.best_epoch import classify_test_images
from cifar_core.runs.engine.worker.good_checkpoint import drop_superseded, to_continue_from
from cifar_core.runs.engine.worker.planned_ends import PlannedEnds
from cifar_core.runs.engine.worker.profiler import taker_of
from cifar_core.runs.family import inheritance
from cifar_core.runs.record import checkpoint_cleanup, checkpoints
from cifar_core.runs.record.divergences.decisions import divergences, slower
from cifar_core.runs.record.figures.log_line import log_line
from cifar_core.runs.record.records import AttemptResult, AttemptStart
from cifar_core.runs.record.run import Run
from cifar_core.runs.record.status import RunStatus
from cifar_core.runs.record.summary import Pace, add, fold
from cifar_core.runs.record.watched import rows as watched
from cifar_core.runs.results import predictions
from cifar_core.runs.results.reading import situation_of
from cifar_core.runs.store import damage

if TYPE_CHECKING:
    from cifar_core.training.evaluate import KeptLogits
    from cifar_core.training.events import EpochEvent, StepEvent, TestEvent
    from cifar_core.training.snapshot import SnapshotOnItsWay

__all__ = ["Worker", "run_attempt"]

SAVE_SECONDS = 60.0  # between checkpoints inside a long epoch


class Worker(BaseWorker):
    """One attempt of a training: the trainer, and the files that it writes."""

    def __init__(self, run: Run, attempt: int) -> None:
        super().__init__(run, attempt)
        self.unsaved = False  # whether the trainer has taken steps since the last checkpoint
        self.saving: BackgroundWrite | None = None  # the last checkpoint, until it is on the disk
        self.watched = RowWriter(watched.path_of(run.path, attempt))

    @property
    def steps(self) -> tuple[int, int]:
        """The number of steps done, and of those of all epochs."""
        return self.trainer.step, self.trainer.total_steps

    @property
    def position(self) -> str:
        """The epoch, with a fraction, and the step."""
        return f"at epoch {self.trainer.epoch:.1f}, step {self.trainer.step:,}"

    def work(self) -> AttemptResult:
        """Train from the newest valid checkpoint to the end, or to a request."""
        self.prepare()
        try:
            result = self.train()
        except Exception:
            if self.saving:
                with suppress(OSError):  # such as a full disk; it is not why the run ends
                    self.saving.complete()
            raise
        self.settle()
        self.write_summary()
        return result

    def train(self) -> AttemptResult:
        """Follow the trainer's events."""
        from cifar_core.training.events import EpochEvent, StepEvent, Tick
        from cifar_core.training.phases import LOGGING, phase

        training = self.planned.until_end(self.trainer.run(), lambda: self.pace.seconds)
        for event in chain(self.features(), training):
            result = None
            if isinstance(event, Tick):
                self.unsaved = self.unsaved or event.phase != "features"
                self.profiler.after_batch(event, self.requests.control.profiles)
                if self.saving and self.saving.is_over:
                    self.settle()
                result = self.attend()
            elif isinstance(event, StepEvent):
                self.unsaved = True
                with phase(LOGGING):
                    self.after_steps(event)
            elif isinstance(event, EpochEvent):
                self.after_epoch(event)
                result = self.attend_after_epoch()
            if result:
                return result
        self.save()  # the time can be up in the middle of an epoch
        return classify_test_images(self)

    def prepare(self) -> None:
        """Load the images, build the trainer and restore the run's newest valid checkpoint."""
        checkpoint_cleanup.clean_up(self.run.path)
        notes = damage.of_small_files(self.run)  # before they are written again
        checkpoint, more = inheritance.or_begin_again(self.run, *to_continue_from(self.run))
        notes += more
        self.open(fresh=checkpoint is None)
        manifest = self.restore(checkpoint, notes)
        rows, situation = self.run.metrics(), situation_of(self.run, RunStatus(state="running"))
        self.summary = fold(rows, self.trainer.total_steps)
        self.planned = PlannedEnds(self.config, situation, rows)
        self.pace = Pace(self.trainer.step, manifest.get("seconds", 0.0))
        self.saved_at = time.monotonic()
        self.profiler = taker_of(self.run, self.plan, self.trainer, self.folder, say)

    def restore(
        self, checkpoint: checkpoints.CheckpointInfo | None, notes: list[str]
    ) -> dict[str, Any]:
        """Restore a checkpoint, if there is one, and write where this attempt starts."""
        from cifar_core.training.snapshot import Snapshot

        manifest = checkpoint.manifest if checkpoint else {}
        if checkpoint:
            model, state = checkpoints.load(checkpoint.path)
            self.trainer.restore(Snapshot(model=model, state=state, meta=manifest["meta"]))
        found = divergences(self.run.path)
        since = checkpoint.attempt if checkpoint else 0
        progress = self.trainer.progress
        progress.rate_share = slower(progress.rate_share, found, since=since)
        if found:
            notes = [*notes, after_divergences([one.step for one in found])]
        self.best = manifest.get("best", "")
        checkpoints.mark_best(self.run.path, self.best, self.attempt)
        for note in notes:
            say(note)
        where = f"checkpoint {checkpoint.name}" if checkpoint else "the beginning"
        say(f"Attempt {self.attempt} starts from {where}, at step {self.trainer.step:,}.")
        start = AttemptStart(
            checkpoint=checkpoint.name if checkpoint else "",
            step=self.trainer.step,
            from_attempt=checkpoint.attempt if checkpoint else 0,
            from_bytes=manifest.get("metrics_bytes", 0),
            note=" ".join(notes),
        )
        self.write_start(start)
        drop_superseded(self.run, checkpoint)
        return manifest

    @property
    def end(self) -> str:
        """Why training is over, a key of ENDS; empty while it goes on."""
        if self.trainer.progress.epoch >= self.run.config.epochs:
            return LAST_EPOCH
        return self.trainer.stop_reason or self.planned.reason(self.pace.seconds)

    @property
    def look_back(self) -> frozenset[int]:
        """The epochs whose weights are kept for review."""
        config = self.run.config
        return checkpoint_cleanup.milestones(config.epochs, config.keep_checkpoints)

    @property
    def seconds_left(self) -> float | None:
        """How many seconds training still takes, within its time."""
        step, per_epoch = self.trainer.step, self.trainer.steps_per_epoch
        first = self.pace.eta_seconds(step, max(step, per_epoch))
        return self.planned.left(super().seconds_left, self.pace.seconds, first)

    def attend_after_epoch(self) -> AttemptResult | None:
        """After an epoch: end if that was requested and another epoch would follow."""
        if self.requests.poll().request != "epoch" or self.end:
            return None
        done = self.summary.epochs_done
        return AttemptResult(
            outcome="stopped", message=f"Stopped after epoch {done}, as requested."
        )

    def after_steps(self, event: "StepEvent") -> None:
        """Keep a row, and save a checkpoint every minute of a long epoch."""
        self.keep(event)
        now = time.monotonic()
        at_end = event.step % self.trainer.steps_per_epoch == 0  # about to be saved anyway
        if now - self.saved_at >= SAVE_SECONDS and not at_end:
            self.begin_save()
        if now - self.summarised_at >= SUMMARY_SECONDS:
            self.write_summary()

    def after_epoch(self, event: "EpochEvent") -> None:
        """Keep the row, and save a checkpoint, marked if it is the best so far."""
        self.settle()
        self.write_summary()
        self.keep(event)
        if seen := self.trainer.watch.seen:
            self.watched.add({**seen.row(self.setup.validation), "step": event.step})
        self.begin_save(epoch=event)
        say(log_line(event, self.run.environment.data.train_counts))

    def keep(self, event: "StepEvent | EpochEvent | TestEvent") -> None:
        """Append the event to the attempt's rows."""
        from cifar_core.training.events import TestEvent, row

        end = {"end": self.end} if isinstance(event, TestEvent) else {}
        kept = self.keep_row({**row(event), **end})
        self.planned.add(kept)
        self.summary = add(self.summary, kept)

    def save(self) -> None:
        """Save the state of this moment, unless it is saved already; return when that is done."""
        self.begin_save()
        self.settle()

    def begin_save(self, epoch: "EpochEvent | None" = None) -> None:
        """Begin to save a checkpoint of this moment, unless the last one is still current.

        The device's memory is copied, and the files are written, while the training goes on.
        """
        if not epoch and not self.unsaved:
            return
        self.settle()
        later = self.trainer.begin_snapshot()
        name = f"{self.trainer.step:08d}-a{self.attempt}"
        self.best = name if epoch and epoch.best else self.best
        manifest = {
            "schema": 1,
            "run": self.run.id,
            "attempt": self.attempt,
            "step": self.trainer.step,
            "epoch": epoch.epoch if epoch else self.trainer.epoch,
            "val_accuracy": epoch.val_accuracy if epoch else None,
            "worth": self.trainer.measure.of(epoch) if epoch else None,
            "best": self.best,
            "seconds": self.pace.seconds,
            "metrics_bytes": self.rows.bytes,
            "meta": later.snapshot.meta,
        }
        validation = self.trainer.validation if epoch else None
        self.saving = BackgroundWrite(lambda: self.commit(name, later, manifest, validation))
        self.unsaved, self.saved_at = False, time.monotonic()

    def write_summary(self) -> None:
        """Replace summary.json, unless it may name an epoch whose weights are not saved yet."""
        if not self.saving:
            super().write_summary()

    def settle(self) -> None:
        """Wait until the checkpoint that is being saved is on the disk."""
        saving, self.saving = self.saving, None
        if saving:
            self.wait_for_space(saving.complete)

    def commit(
        self,
        name: str,
        later: "SnapshotOnItsWay",
        manifest: dict[str, Any],
        validation: "KeptLogits | None",
    ) -> None:
        """Write a checkpoint; the rows first, as it records how many of them it covers."""
        snapshot = later.wait()
        self.fence.check()  # as the checkpoints of a later attempt may be deleted below
        self.rows.sync()
        checkpoints.commit(
            self.run.path / "checkpoints",
            name,
            model=snapshot.model,
            state=snapshot.state,
            manifest=manifest,
        )
        checkpoints.mark_best(self.run.path, manifest["best"], self.attempt)
        if validation:
            self.keep_predictions("val", name, validation)
        checkpoint_cleanup.prune(self.run.path, look_back=self.look_back)

    def keep_predictions(
        self, part: predictions.Part, checkpoint: str, logits: "KeptLogits"
    ) -> None:
        """Keep what was just computed, so that no page has to; on a full disk it goes without."""
        precision = self.trainer.precision.key
        with suppress(DiskFullError):
            predictions.keep_from_training(
                self.run, part, checkpoint, logits.array(), self.dataset, precision
            )


if __name__ == "__main__":
    main(Worker, *sys.argv[1:])
