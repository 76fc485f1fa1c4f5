"""What the processes of all kinds of run have in common: one attempt, in the run's folder.

It loads the images, shows that it lives, hears what was asked of it between two batches, keeps
rows and writes how it ended. It never opens the database.
"""

import gc
import os
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from msgspec import structs

from cifar_core.disk import files, space
from cifar_core.errors import DataError, DiskFullError
from cifar_core.runs.engine import halving
from cifar_core.runs.engine.full_disk import Rows
from cifar_core.runs.prepare import pretrained, step_plans
from cifar_core.runs.prepare.kept_features import keep_features
from cifar_core.runs.record import metrics
from cifar_core.runs.record.control import ControlReader
from cifar_core.runs.record.environment import describe
from cifar_core.runs.record.metrics import Row
from cifar_core.runs.record.records import (
    AttemptResult,
    AttemptStart,
    DataRecord,
    FeaturesDone,
    Notice,
    Summary,
    UsedWeights,
)
from cifar_core.runs.record.run import Run
from cifar_core.runs.record.summary import Pace

if TYPE_CHECKING:
    from torch import Tensor

    from cifar_core.config import TrainConfig
    from cifar_core.data.batches import Batches
    from cifar_core.data.dataset import Dataset
    from cifar_core.training.events import Tick
    from cifar_core.training.features import FeatureBatches
    from cifar_core.training.setup import Setup

SUMMARY_SECONDS = 1.0
HEARTBEAT_SECONDS = 1.0
# that a checkpoint waits in memory for room on the disk
ROOM_SECONDS = float(os.environ.get("CIFAR_ROOM_SECONDS") or 300.0)
ROOM_LOOK_SECONDS = 1.0  # between two tries


class BaseWorker(ABC):
    """One attempt: the trainer and what has to be kept of it."""

    pace: Pace
    summary: Summary
    ends_now: tuple[str, ...] = ("now", "pause")  # requests that need not wait

    def __init__(self, run: Run, attempt: int) -> None:
        self.run, self.attempt = run, attempt
        self.folder = metrics.attempt_folder(run.path, attempt)
        self.plan = metrics.attempt_plan(run.path, attempt)  # what the executor decided
        self.rows = Rows(metrics.metrics_path(run.path, attempt))
        self.notice = self.folder / "notice.json"  # what keeps it from going on
        self.requests = ControlReader(run.path)
        self.terminated = False  # SIGTERM has come
        self.beat = 0.0
        self.summarised_at = time.monotonic()

    @abstractmethod
    def work(self) -> AttemptResult:
        """Go on from what is saved to the end, or to a request."""

    @abstractmethod
    def save(self) -> None:
        """Keep all that is needed to go on from this very moment, unless it is kept."""

    @property
    @abstractmethod
    def steps(self) -> tuple[int, int]:
        """How many steps are done, and how many there are in all."""

    @property
    @abstractmethod
    def place(self) -> str:
        """Where the attempt is, such as "at epoch 2.5, step 1,200"."""

    def open(self, *, fresh: bool) -> None:
        """Load the images, build the trainer and write down with what; `fresh` starts from 0."""
        import torch

        from cifar_core.training.setup import prepare

        plan = self.plan
        torch.set_num_threads(plan.threads)
        config, before, store = self.config, self.run.environment, self.run.store_root
        self.dataset = self.load_data()
        tensors, weights = self.load_weights(fresh=fresh)
        step_plan = step_plans.decide(config, self.dataset, plan, store, before=before, say=say)
        self.setup: Setup = prepare(
            config, self.dataset, plan.device, tensors, step_plan, fresh=fresh
        )
        self.trainer = self.setup.trainer
        self.test: Batches | FeatureBatches = self.setup.test
        environment = describe(plan, self.dataset, self.setup, weights)
        files.write_json(self.run.path / "environment.json", environment)
        say(f"Training on {plan.device_reason} CPU threads: {plan.threads}.")
        say(f"{environment.precision}: {environment.precision_reason}")
        say(self.trainer.plan.sentence)

    def let_go(self) -> None:
        """Free the memory of the images, the network and the optimizer."""
        for name in ("trainer", "setup", "test", "dataset"):
            self.__dict__.pop(name, None)
        gc.collect()
        if torch := sys.modules.get("torch"):
            torch.cuda.empty_cache()

    @property
    def config(self) -> "TrainConfig":
        """The settings that this attempt trains with: the run's, in pieces that fit."""
        at_once = halving.applied(self.run, self.attempt).get("micro_batch", 0)
        return replace(self.run.config, micro_batch=at_once)

    def load_data(self) -> "Dataset":
        """Return the images, which must be those that the run began with."""
        from cifar_core import data

        before = self.run.environment.data
        root = self.run.store_root
        source = before.source or data.resolve(self.run.settings["data"], root)
        say(f"Loading the images: {source}")
        dataset = data.load(source, root)
        if before != DataRecord() and before.fingerprint != dataset.fingerprint:
            raise DataError(
                f"The images of {source} are not those that run {self.run.id} began with. "
                f"Put the former ones back, or clone the run to train on the new ones."
            )
        return dataset

    def load_weights(self, *, fresh: bool) -> "tuple[dict[str, Tensor] | None, UsedWeights | None]":
        """Return what a pretrained network begins from, and its record; a checkpoint has it all."""
        if not fresh:
            return None, self.run.environment.weights
        tensors, record = pretrained.load(self.run.config, self.run.store_root)
        if record:
            say(f"Beginning from {record.path} (sha256 {record.sha256[:16]}...).")
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
            before = self.summary.features
            features = FeaturesDone(
                done=tick.done,
                total=tick.total,
                kept=before.kept if before else tick.done,
                seconds=time.monotonic() - start,
            )
            self.summary = structs.replace(self.summary, features=features)
            if time.monotonic() - self.summarised_at >= SUMMARY_SECONDS:
                self.write_summary()
            yield tick
        if self.summary.features:
            say(f"The features took {time.monotonic() - start:.1f} s.")
        self.pace = Pace(self.steps[0], self.pace.seconds)

    def attend(self) -> AttemptResult | None:
        """Between two batches: show that this lives, and end if somebody asked for it."""
        self.show_life()
        if not self.must_end:
            return None
        request = self.requests.control.request
        self.save()
        if request == "pause":
            return AttemptResult(outcome="paused", message=f"Paused {self.place}.")
        if self.requests.control.is_stop:
            return AttemptResult(outcome="stopped", message=f"Stopped {self.place}, as asked.")
        return AttemptResult(outcome="interrupted", message=f"Interrupted {self.place}.")

    def show_life(self) -> None:
        """Touch the lock now and then; its age is how long there has been no news."""
        now = time.monotonic()
        if now - self.beat > HEARTBEAT_SECONDS:
            self.beat = now
            os.utime(self.folder / "lock")

    @property
    def must_end(self) -> bool:
        """Whether somebody, or the system, wants this to end before the next batch."""
        return self.requests.poll().request in self.ends_now or self.terminated

    def patiently(self, write: Callable[[], object]) -> None:
        """Write something, and if the disk is full wait for room; DiskFullError after minutes.

        What is to be written stays in memory meanwhile. A request to end is not kept waiting.
        """
        until = time.monotonic() + ROOM_SECONDS
        while True:
            try:
                write()
            except DiskFullError as error:
                if self.must_end or time.monotonic() > until:
                    raise
                self.tell_waiting(error)
                self.show_life()
                time.sleep(ROOM_LOOK_SECONDS)
            else:
                self.notice.unlink(missing_ok=True)
                return

    def tell_waiting(self, error: DiskFullError) -> None:
        """Say, as far as the disk allows, that this waits for room."""
        words = f"Waits: {space.missing(error, self.folder)}. What it has learnt is in memory."
        if self.notice.exists():
            return
        say(words)
        with suppress(DiskFullError):
            files.write_json(self.notice, Notice(message=words), durable=False)

    def write_start(self, start: AttemptStart) -> None:
        """Write down where this attempt starts; from here on its rows count."""
        files.write_json(self.folder / "start.json", structs.replace(start, at=time.time()))

    def keep_row(self, values: Mapping[str, Any]) -> Row:
        """Append a row to those of the attempt, and return it with its time."""
        timed = {**values, "t": time.time()}
        self.rows.add(timed)
        return timed

    def write_summary(self) -> None:
        """Replace summary.json."""
        self.summarised_at = time.monotonic()
        pace, left = self.pace, self.pace.eta_seconds(*self.steps)
        self.summary = structs.replace(self.summary, seconds=pace.seconds, eta_seconds=left)
        with suppress(DiskFullError):  # it is written again in a second
            files.write_json(self.run.path / "summary.json", self.summary, durable=False)


def say(text: str) -> None:
    """Print a line into the attempt's log."""
    print(f"{time.strftime('%H:%M:%S')}  {text}", flush=True)
