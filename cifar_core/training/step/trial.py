"""Chooses how a training step is computed, by a short trial on the device that will train."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from statistics import median

import numpy as np
import torch

from cifar_core.config import TrainConfig
from cifar_core.config.transfer_plans import TRANSFER_PLANS
from cifar_core.data.dataset import SIZE, Dataset, Images
from cifar_core.devices.wordings import is_host_out_of_memory, lacks_memory
from cifar_core.training.events import Tick
from cifar_core.training.progress import TrainingProgress
from cifar_core.training.reports import never
from cifar_core.training.setup import prepare
from cifar_core.training.step.compiling import forget_compiled, last_cause
from cifar_core.training.step.step_plan import (
    ONE_DEVICE,
    StepPlan,
    alternatives,
    by_rule,
    images_at_once,
    may_compile,
    why_by_rule,
)
from cifar_core.training.step.timing import (
    MARGIN,
    Rounds,
    Timer,
    ratio,
    time_in_turns,
    timer_of,
    winner,
)
from cifar_core.training.task.teachers import Teacher, work_of_all
from cifar_core.training.trainer import Trainer

# predicted seconds of all steps, or of all validations: ten times the longest compilation
WORTH_COMPILING = 300.0
# of random images, if they are of 32 pixels: of larger ones as many as take no more memory;
# but at least two batches
MOST_BATCHES, MOST_IMAGES = 16, 8192
DEVICES = {"cpu": "this CPU", "cuda": "this GPU"}
# the plans -> their times, and why one of them cannot be compiled, or ""
Measure = Callable[[list[StepPlan]], tuple[Rounds, str]]


@dataclass(frozen=True, kw_only=True)
class TrialTimes:
    """Measured times, by the plans' keys. They are kept, so that the next run need not measure."""

    formats: Rounds = field(default_factory=dict)  # memory orders and number formats
    compiling: Rounds = field(default_factory=dict)  # the fastest of them, uncompiled and compiled


def resolve(
    config: TrainConfig,
    device: str,
    *,
    total_steps: int,
    num_classes: int,
    times: TrialTimes,
    timer: Timer | None = None,
    teachers: Sequence[Teacher] = (),
) -> tuple[StepPlan, TrialTimes]:
    """Return the plan for a run, and all times so far; only the missing ones are measured.

    `teachers` are those that are asked in each step.
    """
    default = by_rule(config, device)
    if reason := why_by_rule(config, device, total_steps, work_of_all(teachers)):
        return replace(default, reason=reason), times
    measure = partial(
        measured, config, device, num_classes=num_classes, timer=timer or timer_of(device),
        teachers=teachers,
    )  # fmt: skip
    try:
        best, times = fastest_format(alternatives(config, default), times, measure)
        seconds = median(times.formats[best.key]) * total_steps
        if why := why_uncompiled(config, device, seconds):
            return replace(best, reason=f"{best.reason}; {why}"), times
        plan, times = compiled_or_not(best, times, measure)
        in_validation = validation_seconds(config, seconds) >= WORTH_COMPILING
        return replace(plan, compiled_evaluation=plan.compiled and in_validation), times
    except Exception as error:
        if not needs_memory(error):
            raise
    torch.cuda.empty_cache()  # only now that the error no longer holds the tensors of its step
    return replace(
        default, reason="by rule, because a trial needs more memory than is free."
    ), times


def needs_memory(error: Exception) -> bool:
    """Return True if an error says that a GPU, or this machine, has not enough memory."""
    on_host = isinstance(error, MemoryError) or is_host_out_of_memory(str(error))
    return on_host or lacks_memory(error)


def fastest_format(
    plans: list[StepPlan], times: TrialTimes, measure: Measure
) -> tuple[StepPlan, TrialTimes]:
    """Return the fastest of some uncompiled plans, of which the first is the default."""
    keys = [plan.key for plan in plans]
    if not times.formats.keys() >= set(keys):
        times = replace(times, formats=measure(plans)[0])
    rounds = {key: times.formats[key] for key in keys}
    best = plans[keys.index(winner(rounds))]
    return replace(best, reason=compared(rounds, best)), times


def compiled_or_not(
    best: StepPlan, times: TrialTimes, measure: Measure
) -> tuple[StepPlan, TrialTimes]:
    """Return the plan compiled, if that works and is clearly faster."""
    compiled = replace(best, compiled=True)
    if not times.compiling.keys() >= {best.key, compiled.key}:
        rounds, failure = raced(measure, best, compiled)
        if failure:
            return replace(best, reason=f"{best.reason}; {failure}"), times
        times = replace(times, compiling=rounds)
    pair = {key: times.compiling[key] for key in (best.key, compiled.key)}
    gain = f"compiled, it is {ratio(pair, best.key, compiled.key):.2g} times as fast."
    chosen = compiled if winner(pair) == compiled.key else best
    return replace(chosen, reason=f"{best.reason}; {gain}"), times


def raced(measure: Measure, plan: StepPlan, compiled: StepPlan) -> tuple[Rounds, str]:
    """Time a plan and the same one compiled; return the times, and why that failed, or ""."""
    try:
        return measure([plan, compiled])
    except Exception as error:
        return {}, compiled.uncompiled(last_cause(error)).reason
    finally:
        forget_compiled()


def why_uncompiled(config: TrainConfig, device: str, seconds: float) -> str:
    """Return why a run of the predicted `seconds` is not compiled; empty if it may be."""
    if config.devices > 1:
        return ONE_DEVICE
    if not may_compile(config, device):
        return "compiling is for GPUs."
    if config.startup == "automatic" and seconds < WORTH_COMPILING:
        return "the run is too short to repay compiling."
    return ""


def validation_seconds(config: TrainConfig, seconds: float) -> float:
    """Predict how long all validations of a run take, of which all steps take `seconds`.

    Forward alone is a third of a step's work: backward, each layer multiplies twice.
    """
    per_trained = config.val_fraction / ((1 - config.val_fraction) * config.train_fraction)
    return seconds * per_trained / 3


def compared(rounds: Rounds, chosen: StepPlan) -> str:
    """Return how much faster the chosen plan is than the others, in words."""
    others = [key for key in rounds if key != chosen.key]
    if not others:
        return "as requested"
    ratios = sorted(ratio(rounds, key, chosen.key) for key in others)
    device = DEVICES[chosen.precision.device_type]
    if ratios[0] < MARGIN:
        return f"measured, and nothing else was clearly faster on {device}"
    low, high = f"{ratios[0]:.2g}", f"{ratios[-1]:.2g}"
    span = low if low == high else f"{low} to {high}"
    what = apart(others[0], chosen.key) if len(others) == 1 else f"{len(others)} other ways"
    return f"measured {span} times as fast as {what} on {device}"


def apart(key: str, other: str) -> str:
    """Return the parts of a plan's key that are not in the other's, in words."""
    shared = other.split("/")
    return ", ".join(part.replace("_", " ") for part in key.split("/") if part not in shared)


def measured(
    config: TrainConfig,
    device: str,
    plans: list[StepPlan],
    *,
    num_classes: int,
    timer: Timer,
    batch_size: int = 0,
    teachers: Sequence[Teacher] = (),
) -> tuple[Rounds, str]:
    """Time the plans; return the times, and why one of them cannot be compiled, or "".

    Each has its own trainer on random images, so that neither the run's trainer nor the caller's
    random state is changed. `batch_size` is for benchmarks; 0 takes the trial's own.
    """
    trial = replace(
        config,
        learning_rate=1e-6,  # cannot diverge; the arithmetic is the same
        train_fraction=1.0,
        val_fraction=0.01,
        devices=1,  # each of several computes the same
        batch_size=batch_size or images_at_once(config, device, work_of_all(teachers)),
    )
    images = random_images(trial.batch_size, num_classes, trial.side)
    with torch.random.fork_rng([device] if device.startswith("cuda") else []):
        trainers = [
            prepare(trial, images, device, plan=plan, teachers=teachers).trainer for plan in plans
        ]
        named = zip(plans, trainers, strict=True)
        steps = {plan.key: partial(next, endless(trainer)) for plan, trainer in named}
        rounds = {} if given_up(plans, trainers) else time_in_turns(steps, timer)
        failure = given_up(plans, trainers)  # it can fail in any step
        return ({}, failure) if failure else (rounds, "")


def given_up(plans: list[StepPlan], trainers: list[Trainer]) -> str:
    """Return why a trainer no longer follows its plan, as compiling has failed; empty if all do."""
    pairs = zip(plans, trainers, strict=True)
    return next((own.plan.reason for plan, own in pairs if own.plan != plan), "")


def random_images(batch_size: int, num_classes: int, side: int = SIZE) -> Dataset:
    """Return random images: a few batches, some for validation, and few for the test."""
    most = MOST_IMAGES * SIZE**2 // side**2
    batches = max(2, min(MOST_BATCHES, most // batch_size))
    count = (batches + 1) * batch_size + 2 * num_classes
    pixels = np.random.default_rng(0).integers(0, 256, (count, side, side, 3), dtype=np.uint8)
    labels = np.arange(count, dtype=np.int64) % num_classes
    return Dataset(
        kind="synthetic",
        title="Made up for a trial",
        source="trial",
        classes=tuple(str(number) for number in range(num_classes)),
        train=Images(pixels=pixels, labels=labels),
        test=Images(pixels=pixels[:num_classes], labels=labels[:num_classes]),
        fingerprint="",
        note="Random numbers.",
    )


def endless(trainer: Trainer) -> Iterator[None]:
    """Take one training step for each item, in the epoch in which most weights are trained."""
    config = trainer.config
    gradual = TRANSFER_PLANS[config.plan].head_first and bool(trainer.spec.weights)
    epoch = config.head_epochs if gradual else 0
    trainer.due = never  # reading the sums takes time
    while True:
        trainer.progress = TrainingProgress(step=epoch * trainer.steps_per_epoch, epoch=epoch)
        for event in trainer.run():
            if isinstance(event, Tick):
                yield
                if event.done == event.total:
                    break
