"""The training loop. It yields events; saving, drawing and stopping are up to the caller."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence

import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_, get_total_norm

from cifar_core.config import TrainConfig
from cifar_core.data.batches import Batches
from cifar_core.evaluation.measures import MEASURES
from cifar_core.models import MODELS
from cifar_core.models.pretrained import take
from cifar_core.optim import OPTIMIZERS
from cifar_core.training.averaging import WeightAverage
from cifar_core.training.evaluate import KeptLogits, evaluate
from cifar_core.training.events import EpochEvent, StepEvent, Tick
from cifar_core.training.features import FeatureBatches, HeadOnFeatures
from cifar_core.training.freezing import freeze, frozen_modules, part_at, weight_groups
from cifar_core.training.phases import DATA, LOGGING, OPTIMIZER, fetched, phase
from cifar_core.training.progress import Tally, TrainingProgress, early_end
from cifar_core.training.ranks.exchange import Exchange
from cifar_core.training.ranks.ranks import ALONE, Ranks
from cifar_core.training.reports import BY_STEP, Clock, Due, Reading, Sums
from cifar_core.training.snapshot import Snapshot, SnapshotOnItsWay, restore, snapshot_of
from cifar_core.training.step.compiled_evaluation import evaluated
from cifar_core.training.step.compiling import ready
from cifar_core.training.step.finite import stop_unless_finite
from cifar_core.training.step.gradient import compute_gradient
from cifar_core.training.step.pieces import cutting, sizes_of_pieces
from cifar_core.training.step.rates import Rates
from cifar_core.training.step.step_plan import StepPlan, by_rule
from cifar_core.training.task.task import task_of
from cifar_core.training.task.teachers import Teacher
from cifar_core.training.watched import SECOND, Watch


class Trainer:
    """One network, its optimizer and its progress; `for event in trainer.run()` trains it.

    Equal config, data, device and thread count give equal weights, bit for bit on the CPU, also
    when the run continues from a snapshot: order and augmentation follow from (seed, epoch).
    """

    def __init__(
        self,
        config: TrainConfig,
        *,
        train: Batches,
        val: Batches,
        num_classes: int,
        device: str,
        weights: Mapping[str, Tensor] | None = None,
        plan: StepPlan | None = None,
        teachers: Sequence[Teacher] = (),
        ranks: Ranks = ALONE,
    ) -> None:
        self.ranks = ranks
        torch.manual_seed(config.seed)
        self.config, self.spec = config, MODELS[config.model]
        self.train_batches: Batches | FeatureBatches = train
        self.val_batches: Batches | FeatureBatches = val
        plan = (plan or by_rule(config, device)).shared(ranks.world)
        self.precision, self.measure = plan.precision, MEASURES[config.best_by]
        self.task = task_of(
            config, train.truth, num_classes, device, plan, teachers, before=train.before
        )
        network = config.build_model(num_classes)
        if weights is not None:  # those of pretraining, which a restored snapshot replaces
            take(network, self.spec.head, weights)
        self.model = plan.place(network, device)
        self.learner = self.model  # the part that is trained: the whole network, or only the head
        self.optimizer = OPTIMIZERS[config.optimizer].build(
            weight_groups(self.model, config),
            config.learning_rate,
            config,
            device.split(":")[0] in ("cpu", "cuda"),
        )
        self.trained = [w for group in self.optimizer.param_groups for w in group["params"]]
        pieces = sizes_of_pieces(config.micro_batch, config.batch_size // ranks.world)
        self.cut = cutting(pieces)
        freeze(self.model, self.spec, part_at(config, config.epochs - 1))  # as in most of the steps
        self.forward, self.plan = ready(self.learner, plan, pieces, train.side)
        self.steps_per_epoch = len(train)
        self.average = (
            WeightAverage(
                self.model,
                self.trained,
                frozen=frozen_modules(self.model, self.spec, part_at(config, config.epochs)),
                half_life=config.ema_epochs * self.steps_per_epoch,
            )
            if config.ema_epochs
            else None
        )
        # the network that is validated, saved, tested and explained
        self.result = self.average.model if self.average else self.model
        self.validated = evaluated(self, val.batch_size)  # what the batches pass through
        self.scaler = torch.amp.GradScaler(
            self.precision.device_type, enabled=self.precision.scaled
        )
        self.rates = Rates(config, self.steps_per_epoch)
        self.total_steps = self.rates.total_steps
        self.exchange = Exchange(self, device)
        self.due: Due = self.exchange.agreed(Clock(by_step=BY_STEP or config.deterministic))
        self.progress = TrainingProgress()
        self.validation = KeptLogits()  # of the last epoch that ended here
        self.watch = Watch(
            labels=val.labels, classes=num_classes, seed=config.seed,
            second=min(SECOND, config.epochs),
        )  # fmt: skip
        self.sums = Sums(device)
        self.unread: list[StepEvent] = []  # reports that a snapshot has read, to be yielded next
        self.clock, self.cpu_clock = time.perf_counter(), time.process_time()

    def read_features(self, train: FeatureBatches, val: FeatureBatches) -> None:
        """Train the head on kept features instead of on images."""
        self.learner = HeadOnFeatures(self.model.get_submodule(self.spec.head))
        self.forward = self.learner
        self.validated = HeadOnFeatures(self.result.get_submodule(self.spec.head))
        self.train_batches, self.val_batches = train, val

    @property
    def step(self) -> int:
        """Optimization steps taken."""
        return self.progress.step

    @property
    def epoch(self) -> float:
        """Passes over the training images so far, with a fraction."""
        return self.step / self.steps_per_epoch

    @property
    def learning_rate(self) -> float:
        """The rate for the next step."""
        return self.rates.rate(self.progress)

    @property
    def stop_reason(self) -> str:
        """Why training ends before its last epoch, a key of ENDS; empty if it goes on."""
        return early_end(self.config, self.progress.best)

    def run(self) -> Iterator[Tick | StepEvent | EpochEvent]:
        """Train to the end, from the beginning or from a restored state."""
        self._start_clocks()
        while self.progress.epoch < self.config.epochs and not self.stop_reason:
            yield from self._train_epoch()
            yield from self._close_epoch()

    def steps(self, rate: Callable[[int], float]) -> Iterator[StepEvent]:
        """Take one step after another, the n-th at `rate(n)`, until the caller stops iterating.

        For a rate search: nothing is validated, and the trained part is that of the run's last
        epoch.
        """
        freeze(self.model, self.spec, part_at(self.config, self.config.epochs - 1))
        self._start_clocks()
        while True:
            epoch, done = divmod(self.step, self.steps_per_epoch)
            for images, labels in self.train_batches.epoch(epoch, start=done):
                now = rate(self.step)
                self._train_step(images, labels, now, reports=True)
                yield from self._reports(wait=True)

    def _train_epoch(self) -> Iterator[Tick | StepEvent]:
        epoch = self.progress.epoch
        done = self.step - epoch * self.steps_per_epoch
        freeze(self.model, self.spec, part_at(self.config, epoch))
        self.exchange.begin_epoch()
        yield from self._reports(wait=True)  # of a snapshot, which can be of the last step
        for images, labels in fetched(self.train_batches.epoch(epoch, start=done)):
            rate = self.learning_rate
            done += 1
            at_end = done == self.steps_per_epoch
            reports = self.due(done, self.steps_per_epoch) or at_end
            self._train_step(images, labels, rate, reports=reports)
            yield from self._reports(wait=at_end or (reports and self.exchange.several))
            yield Tick(phase="train", done=done, total=self.steps_per_epoch)

    def _train_step(self, images: Tensor, labels: Tensor, rate: float, *, reports: bool) -> None:
        """Move the weights once; if it `reports`, begin to read the sums."""
        self.rates.apply(self.optimizer, rate, self.progress)
        epoch, number = divmod(self.step, self.steps_per_epoch)
        with phase(DATA):
            batch = self.task.batch(images, labels, epoch=epoch, number=number)
        self.exchange.seed_step()
        for loss, right, count in self.exchange.of_all(compute_gradient(self, batch)):
            with phase(LOGGING):
                self.sums.add(loss, right, count)
        with phase(OPTIMIZER):
            self.scaler.unscale_(self.optimizer)
            self._clip_or_measure(measures=reports)
            self.scaler.step(self.optimizer)
            self.scaler.update()
            self.progress.step += 1
            if self.average:
                self.average.update(self.step)
        if reports:
            self.sums.send(self.step, rate)

    def _clip_or_measure(self, *, measures: bool) -> None:
        """Clip the gradient by its norm, or only measure the norm for a report."""
        if self.config.clip_norm:
            self.sums.norm = clip_grad_norm_(self.trained, self.config.clip_norm)
        elif measures:
            self.sums.norm = get_total_norm(w.grad for w in self.trained if w.grad is not None)

    def _reports(self, *, wait: bool) -> Iterator[StepEvent]:
        """Yield the reports that have arrived from the device; `wait` for all that were sent."""
        try:
            self.unread += self._said(list(self.sums.arrived(wait=wait)))
        finally:  # those before a number that is not finite come first
            while self.unread:
                yield self.unread.pop(0)

    def _said(self, readings: list[Reading]) -> Iterator[StepEvent]:
        """Yield what reports say that have arrived together, and count them for their epoch."""
        if not readings:
            return
        rate = sum(reading.images for reading in readings) / max(self._lap(), 1e-9)
        for reading in readings:
            images, tally = reading.images, self.progress.tally
            self._check(reading.loss / images, reading.norm, reading.step)
            tally.loss, tally.correct = reading.epoch_loss, reading.epoch_correct
            tally.images += images
            yield StepEvent(
                step=reading.step,
                epoch=reading.step / self.steps_per_epoch,
                loss=reading.loss / images,
                accuracy=reading.correct / images,
                learning_rate=reading.rate,
                grad_norm=min(reading.norm, 1e30),  # float16 overflows; JSON has no infinity
                images_per_second=rate,
            )

    def _close_epoch(self) -> Iterator[Tick | EpochEvent]:
        self.validation = KeptLogits()  # the last epoch's may still be on their way to a file
        score = yield from evaluate(
            self.validated, self.val_batches, self.precision, "validate", kept=self.validation,
            ranks=self.ranks,
        )  # fmt: skip
        self._check(score.loss, 0.0, self.step)
        self._lap()
        progress, tally = self.progress, self.progress.tally
        progress.epoch += 1
        self.watch.look(self.validation, progress.epoch)
        worth = self.measure.worth(getattr(score, self.measure.key))
        best = progress.best.update(worth, progress.epoch, self.config.min_delta)
        self.rates.after_epoch(progress, score.loss)
        progress.tally = Tally()
        self.sums.end_epoch()
        yield EpochEvent(
            step=self.step,
            epoch=progress.epoch,
            train_loss=tally.loss / tally.images,
            train_accuracy=tally.correct / tally.images,
            val_loss=score.loss,
            val_accuracy=score.accuracy,
            val_balanced_accuracy=score.balanced_accuracy,
            val_macro_f1=score.macro_f1,
            best=best,
            seconds=tally.seconds,
            cpu_seconds=tally.cpu_seconds,
        )

    def _check(self, loss: float, norm: float, step: int) -> None:
        """Stop if a number is not finite; in float16 the scaler skips such a gradient."""
        stop_unless_finite(self, loss, 0.0 if self.precision.scaled else norm, step)

    def _start_clocks(self) -> None:
        self.clock, self.cpu_clock = time.perf_counter(), time.process_time()

    def _lap(self) -> float:
        """Add the time since the last lap to the epoch's and return its wall seconds."""
        seconds = time.perf_counter() - self.clock
        self.progress.tally.seconds += seconds
        self.progress.tally.cpu_seconds += time.process_time() - self.cpu_clock
        self._start_clocks()
        return seconds

    def snapshot(self) -> Snapshot:
        """Copy everything needed to continue from here; allowed between any two events."""
        return self.begin_snapshot().wait()

    def begin_snapshot(self) -> SnapshotOnItsWay:
        """Begin that copy; on a GPU it is complete later, and training can go on meanwhile."""
        self.unread += self._said(list(self.sums.arrived(wait=True)))
        return snapshot_of(self)

    def restore(self, snapshot: Snapshot) -> None:
        """Continue from a snapshot; the config must be the same."""
        restore(self, snapshot)
