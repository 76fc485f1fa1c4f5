"""Whole epochs by the worker, with and without checkpoints, and how busy the device is."""

from itertools import pairwise
from statistics import fmean, median
from typing import TYPE_CHECKING

from benchmarks import in_process
from benchmarks.gpu import on_device
from benchmarks.gpu.section import LIKE_CIFAR, Bench
from cifar_core.numbers import percent
from cifar_core.runs.engine.worker.training_worker import Worker
from cifar_core.training.step.compiling import forget_compiled

if TYPE_CHECKING:
    from cifar_core.training.events import EpochEvent

EPOCHS = 6  # of which the first is not counted
MOST = 0.05  # of an epoch that a checkpoint may cost
BUSY = 0.9  # share of the time in which the device must compute


class SavesLast(Worker):
    """A worker that saves no checkpoint but the last one, which the test needs."""

    def begin_save(self, epoch: "EpochEvent | None" = None) -> None:
        """Save only at the end."""
        if self.trainer.step == self.trainer.total_steps:
            super().begin_save(epoch)


def run(bench: Bench) -> None:
    """Train twice, and compare the times from epoch to epoch."""
    usual = trained(bench, Worker)
    images, seconds = usual.trainer.train_batches.images, epoch_seconds(usual)
    bench.note(
        f"{usual.run.config.model}, an epoch of {images:,} images with its validation",
        f"{seconds:.2f} s, {images / seconds:,.0f} images a second: {usual.trainer.plan.sentence}",
    )
    judged = images >= LIKE_CIFAR
    if not judged:
        bench.skip("verdicts on epochs", f"they have fewer than {LIKE_CIFAR:,} images")
    busy(bench, usual, judged=judged)
    usual.free_memory()
    forget_compiled()
    without, count = epoch_seconds(trained(bench, SavesLast)), len(epoch_ends(usual)) - 1
    share = seconds / without - 1
    bench.note_time(
        "what a checkpoint adds to an epoch",
        f"{percent(share)}: {seconds:.3f} s instead of {without:.3f}, medians of {count}",
        target=f"at most {percent(MOST, 0)}",
        passed=share <= MOST if judged else None,
    )


def trained(bench: Bench, worker: type[Worker]) -> Worker:
    """Train a network in this process, as a run does."""
    config = bench.config(
        model=bench.sized("resnet18", "simple_cnn"),
        epochs=bench.sized(EPOCHS, 3),
        batch_size=bench.sized(128, 32),
        startup=bench.sized("automatic", "fast_start"),
    )
    own = in_process.attempt(config, bench.store, bench.device, worker)
    own.work()
    return own


def epoch_ends(worker: Worker) -> list[float]:
    """Return when each epoch ended, in unix seconds."""
    return [row["t"] for row in worker.run.metrics() if row["kind"] == "epoch"]


def epoch_seconds(worker: Worker) -> float:
    """Return the median time from the end of an epoch to that of the next, by the clock."""
    return median(end - begin for begin, end in pairwise(epoch_ends(worker)))


def busy(bench: Bench, worker: Worker, *, judged: bool) -> None:
    """Judge the use of the device that was sampled beside the run's rows."""
    name, ends = "the device computes", epoch_ends(worker)
    samples = on_device.use_between(worker, ends[0], ends[-1])
    if not samples:
        bench.skip(name, "the use of the device is not known")
        return
    share, seconds = fmean(samples) / 100, ends[-1] - ends[0]
    bench.note_time(
        name,
        f"{percent(share, 0)} of {seconds:.1f} s of epochs, mean of {len(samples)} samples",
        target=f"at least {percent(BUSY, 0)}",
        passed=share >= BUSY if judged else None,
    )
