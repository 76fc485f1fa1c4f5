"""The part that the trainers of all kinds of run share: one attempt, in the run's folder.

It loads the images, shows that it is alive, checks for requests between two batches, keeps rows
and writes how it ended. It never opens the database.
"""

import gc
import os
import signal
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from msgspec import structs

from cifar_core.disk import files
from cifar_core.errors import DiskFullError
from cifar_core.runs.engine import halving
from cifar_core.runs.engine.full_disk import RowWriter
from cifar_core.runs.engine.several import devices_of
from cifar_core.runs.engine.worker import patience
from cifar_core.runs.engine.worker.fence import Fence
from cifar_core.runs.engine.worker.log import say
from cifar_core.runs.engine.worker.machine_sampler import MachineSampler
from cifar_core.runs.engine.worker.node import placed
from cifar_core.runs.engine.worker.ranks.group import RankGroup, what_is_open
from cifar_core.runs.engine.worker.recorded import Recorded
from cifar_core.runs.family import teachers as family
from cifar_core.runs.family.beginning import Beginning, beginning_of
from cifar_core.runs.prepare import step_plans
from cifar_core.runs.prepare.image_size import Decision
from cifar_core.runs.prepare.kept_features import keep_features, what
from cifar_core.runs.prepare.run_images import open_images
from cifar_core.runs.record import metrics
from cifar_core.runs.record.control import ControlReader
from cifar_core.runs.record.environment import describe
from cifar_core.runs.record.figures.summary_record import FeaturesDone, Summary
from cifar_core.runs.record.gpu import facts
from cifar_core.runs.record.machine import rows as machine_rows
from cifar_core.runs.record.metrics import Row
from cifar_core.runs.record.records import (
    AttemptResult,
    AttemptStart,
)
from cifar_core.runs.record.run import Run
from cifar_core.runs.record.signs.interval import OwnInterval
from cifar_core.runs.record.summary import Pace

if TYPE_CHECKING:
    from cifar_core.config import TrainConfig
    from cifar_core.data.batches import Batches
    from cifar_core.training.events import Tick
    from cifar_core.training.features import FeatureBatches
    from cifar_core.training.setup import Setup

OPENED, FEATURES = "opened", "features"  # what the first rank tells the others


class BaseWorker(ABC):
    """One attempt: the trainer, and the files that it writes."""

    pace: Pace
    summary: Summary
    ends_now: tuple[str, ...] = ("now", "pause")  # requests that need not wait

    def __init__(self, run: Run, attempt: int) -> None:
        self.run, self.attempt = run, attempt
        self.folder = metrics.attempt_folder(run.path, attempt)
        self.plan = metrics.attempt_plan(run.path, attempt)  # what the executor decided
        self.signs = OwnInterval(run.store_root, self.plan.place)
        self.group = RankGroup(devices_of(run))
        self.rows = RowWriter(metrics.metrics_path(run.path, attempt))
        self.notice = self.folder / "notice.json"  # what it is waiting for
        self.requests = ControlReader(run.path)
        self.fence = Fence(run.path, attempt)
        self.recorded = Recorded(run.path, self.fence)
        self.terminated = False  # SIGTERM has come
        self.gpu: facts.GPURecord | None = None  # as environment.json has it
        self.sampler: MachineSampler | None = None  # once the device is in use
        self.size: Decision | None = None  # of the images, once they are loaded
        self.touched_at = 0.0
        self.summarised_at = time.monotonic()
        self.light = frozenset(vars(self))  # what has been added since may hold tensors

    @abstractmethod
    def work(self) -> AttemptResult:
        """Continue from the saved state to the end, or to a request."""

    @abstractmethod
    def save(self) -> None:
        """Save the state of this moment, unless it is saved already."""

    @property
    @abstractmethod
    def steps(self) -> tuple[int, int]:
        """The number of steps done, and of all steps."""

    @property
    def seconds_left(self) -> float | None:
        """How many seconds the rest takes at this speed; None before the first step."""
        return self.pace.eta_seconds(*self.steps)

    @property
    @abstractmethod
    def position(self) -> str:
        """How far the attempt is, such as "at epoch 2.5, step 1,200"."""

    @property
    def devices(self) -> list[str]:
        """The devices of all ranks, by torch's names."""
        return self.plan.devices or [self.plan.device]

    def join(self) -> None:
        """Meet the other ranks, if this computes on several devices."""
        if self.group.several:
            from cifar_core.training.place import compute_on

            plan = self.plan = placed(self.run, self.attempt, self.plan, group=self.group)
            compute_on(plan.device, plan.threads)
            self.group.join(plan.device)

    def open(self, *, fresh: bool) -> None:
        """Load the images, build the trainer and write environment.json; `fresh` starts from 0."""
        from cifar_core.training.place import compute_on
        from cifar_core.training.setup import prepare

        plan = self.plan = placed(self.run, self.attempt, self.plan, group=self.group)
        compute_on(plan.device, plan.threads)
        rows = machine_rows.path_of(self.run.path, self.attempt)
        self.sampler = MachineSampler(self.devices, rows, self.signs, process=self.group.parent)
        self.sampler.start()
        self.dataset, self.size = open_images(self.run, plan.device, say)
        config = self.config
        began = self.load_weights(fresh=fresh)
        teachers = family.open_teachers(self.run, self.dataset.classes)
        used = family.records(self.run, teachers)
        if used:
            say(family.sentence(used, config.side))
        step_plan = step_plans.decide(
            config, self.dataset, plan, self.run.store_root,
            before=self.run.environment, teachers=teachers, say=say,
        )  # fmt: skip
        self.group.tell(OPENED, what_is_open(self.dataset.source, self.size.sizing, step_plan))
        self.setup: Setup = prepare(
            config, self.dataset, plan.device, began.pretrained, step_plan,
            fresh=fresh, begun=began.begun, teachers=teachers, ranks=self.group.ranks,
        )  # fmt: skip
        self.trainer = self.setup.trainer
        self.test: Batches | FeatureBatches = self.setup.test
        environment = describe(
            plan, self.dataset, self.setup, began.record, attempt=self.attempt,
            sizing=self.size.sizing, size_reason=self.size.reason, teachers=used,
        )  # fmt: skip
        self.recorded.write(environment)
        self.gpu = environment.gpu
        say(f"Training on {plan.device_reason} CPU threads: {plan.threads}.")
        say(f"{environment.precision}: {environment.precision_reason}")
        self.step_plan = self.trainer.plan
        say(self.step_plan.sentence)

    def record_peak(self) -> None:
        """Write into environment.json how much of its GPU's memory this has taken at most."""
        self.recorded.peak(self.gpu, self.plan.device)

    def free_memory(self) -> None:
        """Drop everything that was added for the work: the images, the network, the optimizer."""
        if self.sampler:
            self.sampler.stop()
        for name in vars(self).keys() - self.light:
            delattr(self, name)
        gc.collect()
        if torch := sys.modules.get("torch"):
            torch.cuda.empty_cache()

    @property
    def config(self) -> "TrainConfig":
        """The settings of this attempt: the run's, its images' size, the batch in pieces that fit.

        The size is the setting's, perhaps automatic, until the images are loaded.
        """
        config = self.run.config
        at_once = halving.applied(self.run, self.attempt).get("micro_batch", 0)
        side = self.size.sizing.side if self.size else config.image_size
        return replace(config, micro_batch=at_once, image_size=side)

    def load_weights(self, *, fresh: bool) -> Beginning:
        """Return the weights that a fresh run starts from, with their record."""
        if not fresh:
            return Beginning(record=self.run.environment.weights)
        began = beginning_of(self.run, self.config, self.dataset.classes)
        for line in began.log:
            say(line)
        return began

    def features(self) -> "Iterator[Tick]":
        """Compute the features once, if only the head is trained, and show how far that is."""
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
            if time.monotonic() - self.summarised_at >= self.signs.seconds:
                self.write_summary()
            yield tick
        self.group.tell(FEATURES, {"are_there": True})
        if self.summary.features:
            say(f"The {what(self.setup).lower()} took {time.monotonic() - start:.1f} s.")
        self.pace = Pace(self.steps[0], self.pace.seconds)

    def attend(self, phase: str = "") -> AttemptResult | None:
        """Between two batches: show that this is alive, and end if any rank must.

        In the phase "features" the first rank works alone, and the others wait.
        """
        self.show_life()
        self.record_plan()
        alone = phase == "features"
        if not (self.must_end if alone else self.group.agree(self.must_end)):
            return None
        if alone:
            self.group.tell(FEATURES, {"are_there": False})
        request = self.requests.control.request
        if request == "kill":  # the system asks first by SIGTERM, and nothing may be saved
            os.kill(os.getpid(), signal.SIGKILL)
        self.save()
        if request == "pause":
            return AttemptResult(outcome="paused", message=f"Paused {self.position}.")
        if not self.requests.control.is_stop and (
            self.terminated or not self.requests.control.is_late
        ):  # the system wants this rank or another to end
            return AttemptResult(outcome="interrupted", message=f"Interrupted {self.position}.")
        how = "as requested" if self.requests.control.is_stop else "at the time that was set"
        return AttemptResult(outcome="stopped", message=f"Stopped {self.position}, {how}.")

    def show_life(self) -> None:
        """Touch the lock now and then, by which its silence is judged; end if it is superseded."""
        now = time.monotonic()
        if now - self.touched_at > self.signs.seconds:
            self.touched_at = now
            self.fence.check()
            os.utime(self.folder / "lock")

    def record_plan(self) -> None:
        """Record that a compiled network has failed, so that later attempts do without."""
        if self.trainer.plan is self.step_plan:
            return
        self.step_plan = self.trainer.plan
        say(f"Changed {self.position}: {self.step_plan.sentence}")
        changed = self.step_plan.record()
        self.wait_for_space(lambda: self.recorded.change(step_plan=changed))

    @property
    def must_end(self) -> bool:
        """Whether a request, or the system, wants this to end before the next batch."""
        control = self.requests.poll()
        return control.request in self.ends_now or control.is_late or self.terminated

    def wait_for_space(self, write: Callable[[], object]) -> None:
        """Call `write`, and while the disk is full wait and try again; DiskFullError after minutes.

        The data stay in memory meanwhile. A request to end stops the waiting.
        """
        patience.wait_for_space(self, write)

    def write_start(self, start: AttemptStart) -> None:
        """Write where this attempt starts; from then on its rows count."""
        files.write_json(self.folder / "start.json", structs.replace(start, at=time.time()))

    def keep_row(self, values: Mapping[str, Any]) -> Row:
        """Append a row to the attempt's rows, and return it with its time."""
        timed = {**values, "t": time.time()}
        self.rows.add(timed)
        return timed

    def write_summary(self) -> None:
        """Replace summary.json."""
        self.summarised_at = time.monotonic()
        left, until = self.seconds_left, self.requests.control.until
        if left is not None and until:
            left = max(0.0, min(left, until - time.time()))
        self.summary = structs.replace(
            self.summary, seconds=self.pace.seconds, eta_seconds=left, attempt=self.attempt
        )
        with suppress(DiskFullError):  # it is written again soon
            self.fence.write(self.run.path / "summary.json", self.summary, durable=False)
