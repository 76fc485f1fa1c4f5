"""Trains one attempt of a run in its own process: python -m cifar_core.runs.worker RUN ATTEMPT.

The trainer says what happened; this writes it into the run's folder, saves checkpoints and does
what was asked for between two batches. It never opens the database.
"""

import faulthandler
import os
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cifar_core.errors import CheckpointError, DataError
from cifar_core.runs import checkpoints, files, lock, metrics, pretrained, step_plans
from cifar_core.runs.control import ControlReader
from cifar_core.runs.environment import describe
from cifar_core.runs.failures import message_of, reason_of
from cifar_core.runs.features import keep_features
from cifar_core.runs.run import Run
from cifar_core.runs.summary import Pace, add, fold, views_note
from cifar_core.runs.watch import Watch

if TYPE_CHECKING:
    from torch import Tensor

    from cifar_core.data.batches import Batches
    from cifar_core.data.dataset import Dataset
    from cifar_core.training.events import EpochEvent, StepEvent, TestEvent, Tick
    from cifar_core.training.features import FeatureBatches
    from cifar_core.training.setup import Setup

SAVE_SECONDS = 60.0  # between checkpoints inside a long epoch
SUMMARY_SECONDS = 1.0
HEARTBEAT_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class Result:
    """How the attempt ended; written as its last act."""

    outcome: str  # finished, stopped, paused, failed, or interrupted by the system
    message: str
    reason: str = ""  # a key of FAILURES when failed


class Worker:
    """One attempt: the trainer and what has to be kept of it."""

    def __init__(self, run: Run, attempt: int) -> None:
        self.run, self.attempt = run, attempt
        self.folder = metrics.attempt_folder(run.path, attempt)
        self.metrics_path = metrics.metrics_path(run.path, attempt)
        self.requests = ControlReader(run.path)
        self.terminated = False  # SIGTERM has come
        self.beat = 0.0
        self.unsaved = False  # whether the trainer has gone on since the last checkpoint

    def work(self) -> Result:
        """Train from the newest valid checkpoint to the end, or to a request."""
        from cifar_core.training.events import EpochEvent, StepEvent, Tick
        from cifar_core.training.phases import LOGGING, phase

        self.prepare()
        for event in chain(self.features(), self.trainer.run()):
            result = None
            if isinstance(event, Tick):
                self.unsaved = self.unsaved or event.phase != "features"
                self.watch.see(event, self.requests.control.profiles)
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
        return self.finish()

    def prepare(self) -> None:
        """Load the images, build the trainer and put it where the run was left."""
        import torch

        from cifar_core.training.setup import prepare

        plan = files.read_json(self.folder / "attempt.json")
        torch.set_num_threads(plan["threads"])
        config = self.run.config
        self.dataset = self.load_data()
        checkpoints.sweep(self.run.path)
        found, notes = checkpoints.newest_valid(self.run.path)
        fresh = found is None
        tensors, weights = self.load_weights(fresh=fresh)
        before, store = self.run.environment, self.run.store_root
        step_plan = step_plans.decide(config, self.dataset, plan, store, before=before, say=say)
        self.setup: Setup = prepare(
            config, self.dataset, plan["device"], tensors, step_plan, fresh=fresh
        )
        self.trainer = self.setup.trainer
        self.test: Batches | FeatureBatches = self.setup.test
        environment = describe(plan, self.dataset, self.setup, weights)
        files.write_json(self.run.path / "environment.json", environment)
        manifest = self.restore(found, notes)
        rows = self.run.metrics()
        self.summary = fold(rows, self.trainer.total_steps)
        self.pace = Pace(self.trainer.step, manifest.get("seconds", 0.0))
        self.saved_at = self.summarised_at = time.monotonic()
        self.val_accuracy: float | None = None
        self.watch = Watch(self.run, self.folder, plan, self.trainer, say)
        say(f"Training on {plan['device_reason']} CPU threads: {plan['threads']}.")
        say(f"{environment['precision']}: {environment['precision_reason']}")
        say(self.trainer.plan.sentence)

    def load_data(self) -> "Dataset":
        """Return the images, which must be those that the run began with."""
        from cifar_core import data

        before = self.run.environment.get("data", {})
        root = self.run.store_root
        source = before.get("source") or data.resolve(self.run.settings["data"], root)
        say(f"Loading the images: {source}")
        dataset = data.load(source, root)
        if before and before["fingerprint"] != dataset.fingerprint:
            raise DataError(
                f"The images of {source} are not those that run {self.run.id} began with. "
                f"Put the former ones back, or clone the run to train on the new ones."
            )
        return dataset

    def load_weights(self, *, fresh: bool) -> "tuple[dict[str, Tensor] | None, dict[str, Any]]":
        """Return what a pretrained network begins from, and its record; a checkpoint has it all."""
        if not fresh:
            return None, self.run.environment.get("weights", {})
        tensors, record = pretrained.load(self.run.config, self.run.store_root)
        if record:
            say(f"Beginning from {record['path']} (sha256 {record['sha256'][:16]}...).")
        return tensors, record

    def features(self) -> "Iterator[Tick]":
        """Compute once what the head reads, where it learns alone, and show how far that is."""
        images = keep_features(self.setup, self.dataset.fingerprint, self.run.store_root, say)
        start = time.monotonic()
        while True:
            try:
                tick = next(images)
            except StopIteration as end:
                self.test = end.value or self.test
                break
            kept = self.summary.get("features", {}).get("kept", tick.done)
            self.summary["features"] = {
                "done": tick.done,
                "total": tick.total,
                "kept": kept,  # of them from an earlier run or attempt
                "seconds": time.monotonic() - start,
            }
            if time.monotonic() - self.summarised_at >= SUMMARY_SECONDS:
                self.write_summary()
            yield tick
        if self.summary.get("features"):
            say(f"The features took {time.monotonic() - start:.1f} s.")
        self.pace = Pace(self.trainer.step, self.pace.seconds)

    def restore(self, found: checkpoints.CheckpointInfo | None, notes: list[str]) -> dict[str, Any]:
        """Go to the newest valid checkpoint, and write down where this attempt starts."""
        from cifar_core.training.snapshot import Snapshot

        manifest = found.manifest if found else {}
        if found:
            model, state = checkpoints.load(found.path)
            self.trainer.restore(Snapshot(model=model, state=state, meta=manifest["meta"]))
        self.best = manifest.get("best", "")
        self.mark_best()
        for note in notes:
            say(note)
        where = f"checkpoint {found.name}" if found else "the beginning"
        say(f"Attempt {self.attempt} starts from {where}, at step {self.trainer.step:,}.")
        start = {
            "checkpoint": found.name if found else "",
            "step": self.trainer.step,
            "from_attempt": found.attempt if found else 0,
            "from_bytes": manifest.get("metrics_bytes", 0),
            "note": " ".join(notes),
            "at": time.time(),
        }
        files.write_json(self.folder / "start.json", start)
        return manifest

    def mark_best(self) -> None:
        """Keep the marker of the best epoch's checkpoint in step with the manifests."""
        path = self.run.path / "best"
        if self.best and self.best != checkpoints.best_name(self.run.path):
            files.write_atomic(path, self.best + "\n")
        elif not self.best:
            path.unlink(missing_ok=True)

    def attend(self) -> Result | None:
        """Between two batches: show that this lives, and end if somebody asked for it."""
        now = time.monotonic()
        if now - self.beat > HEARTBEAT_SECONDS:
            self.beat = now
            os.utime(self.folder / "lock")
        request = self.requests.poll().request
        if request not in ("now", "pause") and not self.terminated:
            return None
        self.save()
        where = f"at epoch {self.trainer.epoch:.1f}, step {self.trainer.step:,}"
        if request == "pause":
            return Result(outcome="paused", message=f"Paused {where}.")
        if self.requests.control.is_stop:
            return Result(outcome="stopped", message=f"Stopped {where}, as asked.")
        return Result(outcome="interrupted", message=f"Interrupted {where}.")

    def attend_after_epoch(self) -> Result | None:
        """After an epoch: end if somebody asked for that and there would be another one."""
        is_last = self.trainer.step >= self.trainer.total_steps or self.trainer.stop_reason
        if self.requests.poll().request != "epoch" or is_last:
            return None
        done = self.summary["epochs_done"]
        return Result(outcome="stopped", message=f"Stopped after epoch {done}, as asked.")

    def after_steps(self, event: "StepEvent") -> None:
        """Keep a row, and now and then the weights in the middle of a long epoch."""
        self.keep(event)
        now = time.monotonic()
        at_end = event.step % self.trainer.steps_per_epoch == 0  # about to be saved anyway
        if now - self.saved_at >= SAVE_SECONDS and not at_end:
            self.save()
        if now - self.summarised_at >= SUMMARY_SECONDS:
            self.write_summary()

    def after_epoch(self, event: "EpochEvent") -> None:
        """Keep the row and the weights, and mark them if they are the best so far."""
        self.keep(event)
        self.save(epoch=event)
        self.write_summary()
        mark = "  best so far" if event.best else ""
        say(
            f"epoch {event.epoch:>3}  train loss {event.train_loss:.4f}  accuracy "
            f"{event.train_accuracy:.2%}  val loss {event.val_loss:.4f}  accuracy "
            f"{event.val_accuracy:.2%}  {event.seconds:.1f} s{mark}"
        )

    def keep(self, event: "StepEvent | EpochEvent | TestEvent") -> None:
        """Append the event to the attempt's rows."""
        from cifar_core.training.events import row

        values = {**row(event), "t": time.time()}
        files.append_line(self.metrics_path, values)
        add(self.summary, values)

    def save(self, epoch: "EpochEvent | None" = None) -> None:
        """Commit a checkpoint of this very moment, unless the last one is of it."""
        if not epoch and not self.unsaved:
            return
        snapshot = self.trainer.snapshot()
        name = f"{self.trainer.step:08d}-a{self.attempt}"
        best = name if epoch and epoch.best else self.best
        size = 0
        if self.metrics_path.exists():  # the rows first: the checkpoint refers to them
            files.sync_file(self.metrics_path)
            size = self.metrics_path.stat().st_size
        manifest = {
            "schema": 1,
            "run": self.run.id,
            "attempt": self.attempt,
            "step": self.trainer.step,
            "epoch": epoch.epoch if epoch else self.trainer.epoch,
            "val_accuracy": epoch.val_accuracy if epoch else None,
            "best": best,
            "metrics_bytes": size,
            "seconds": self.pace.seconds,
            "meta": snapshot.meta,
        }
        folder = self.run.path / "checkpoints"
        checkpoints.commit(
            folder, name, model=snapshot.model, state=snapshot.state, manifest=manifest
        )
        self.best = best
        self.mark_best()
        checkpoints.prune(self.run.path)
        self.unsaved, self.saved_at = False, time.monotonic()

    def write_summary(self) -> None:
        """Replace summary.json."""
        self.summarised_at = time.monotonic()
        self.summary["seconds"] = self.pace.seconds
        eta = self.pace.eta_seconds(self.trainer.step, self.trainer.total_steps)
        self.summary["eta_seconds"] = eta
        files.write_json(self.run.path / "summary.json", self.summary, durable=False)

    def finish(self) -> Result:
        """Classify the test images once, with the weights of the best epoch."""
        from cifar_core.training.evaluate import evaluate_test
        from cifar_core.training.events import TestEvent

        info = self.load_best()
        say(f"Testing with the weights of epoch {info.epoch:g} ({info.name}).")
        for event in evaluate_test(
            self.trainer.learner,
            self.test,
            self.trainer.precision,
            step=self.trainer.step,
            epoch=round(info.epoch),
            views=self.run.config.test_views,
        ):
            if isinstance(event, TestEvent):
                self.keep(event)
            elif result := self.attend():
                return result
        self.summary["eta_seconds"] = 0.0
        self.write_summary()
        return Result(outcome="finished", message=self.in_words())

    def load_best(self) -> checkpoints.CheckpointInfo:
        """Load the best epoch's weights, or the next best if those are damaged."""
        by_accuracy = sorted(
            self.run.checkpoints(), key=lambda c: (c.best, c.val_accuracy or 0.0), reverse=True
        )
        for info in by_accuracy:
            try:
                weights = checkpoints.load_model(info.path)
            except CheckpointError as error:
                say(str(error))
            else:
                self.trainer.model.load_state_dict(weights)
                return info
        raise CheckpointError(f"No checkpoint of run {self.run.id} can be read any more.")

    def in_words(self) -> str:
        """Return what came out, in one sentence."""
        summary = self.summary
        early = f" ({self.trainer.stop_reason})" if self.trainer.stop_reason else ""
        return (
            f"Finished after {summary['epochs_done']} epochs{early}: best validation accuracy "
            f"{summary['best_val_accuracy']:.2%} at epoch {summary['best_epoch']}, test accuracy "
            f"{summary['test_accuracy']:.2%}{views_note(summary)}."
        )


def say(text: str) -> None:
    """Print a line into the attempt's log."""
    print(f"{time.strftime('%H:%M:%S')}  {text}", flush=True)


def run_attempt(worker: Worker) -> Result:
    """Train, and turn whatever goes wrong into words."""

    def on_terminate(*_: object) -> None:
        worker.terminated = True

    signal.signal(signal.SIGTERM, on_terminate)
    try:
        return worker.work()
    except Exception as error:
        traceback.print_exc()
        reason = reason_of(error)
        words = message_of(error, reason, worker.run.path)
        return Result(outcome="failed", reason=reason, message=words)


def main(path: str, number: str) -> int:
    """Train an attempt and leave its result in its folder."""
    run, attempt = Run(Path(path)), int(number)
    folder = metrics.attempt_folder(run.path, attempt)
    mine = lock.take(folder / "lock", shared=True)  # besides the one inherited from the shim
    assert mine is not None
    faulthandler.register(signal.SIGUSR1)  # `kill -USR1` writes all stacks into the log
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal is meant for others
    result = run_attempt(Worker(run, attempt))
    say(f"{result.outcome}: {result.message}")
    files.write_json(folder / "result.json", {**asdict(result), "at": time.time()})
    return 0 if result.outcome != "failed" else 1


if __name__ == "__main__":
    code = main(*sys.argv[1:])
    # all is on the disk; taking torch down in good order would hold the device for seconds
    sys.stdout.flush()
    os._exit(code)
