"""Measures how long an epoch will take, by training a few steps in a process of its own."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cifar_core import devices
from cifar_core.background import child, processes
from cifar_core.devices import turns
from cifar_core.runs.prepare import image_size, step_plans, teacher_networks
from cifar_core.runs.prepare.teacher_networks import Taught
from cifar_core.runs.record.records import AttemptPlan

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from cifar_core.config import TrainConfig
    from cifar_core.training.setup import Setup
    from cifar_core.training.trainer import Trainer

WARM_STEPS, LEAST_STEPS, MEASURED_SECONDS = 3, 5, 3.0
EVALUATED_SECONDS = 1.0
LONGEST_SECONDS = 120


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """The time that a whole run will take, estimated from a few measured steps."""

    seconds_per_epoch: float  # training and validation, wall time
    images_per_second: float  # while training
    total_seconds: float  # all epochs and the test
    device: str
    steps: int  # measured
    step_plan: str  # how a step is computed and why, in one sentence
    # of the total, before the first epoch, for features and teachers' answers that are kept
    features_seconds: float = 0.0


def measure(config: "TrainConfig", store: Path, teachers: Sequence[Taught] = ()) -> Estimate:
    """Measure a few steps of the run in a child process, so that this one stays small.

    `teachers` are the checkpoints that it would learn from. BusyError if no device that suits the
    run is free.
    """
    places = devices.current(store).candidates(config.device)
    with turns.measuring(store, places) as turn:
        measured = child.call(
            answer,
            {
                "config": {**config.to_dict(), "device": turn.device.id},
                "store": str(store),
                "teachers": teacher_networks.as_words(teachers),
            },
            environment=processes.trainer_environment(devices.choose_threads(config.threads)),
            keep=turn.keep,
            seconds=LONGEST_SECONDS,
            too_long=f"A few steps took more than {LONGEST_SECONDS} s, so an epoch would take "
            "hours. Choose a smaller network or fewer images.",
        )
    return Estimate(**measured)


def trial(config: "TrainConfig", store: Path, taught: Sequence[Taught] = ()) -> Estimate:
    """Train a few steps here and scale up to the run.

    Of several devices, which all compute the same, one is measured, without what they exchange.
    """
    from cifar_core.training.events import StepEvent
    from cifar_core.training.place import compute_on
    from cifar_core.training.reports import always
    from cifar_core.training.setup import prepare

    threads = devices.choose_threads(config.threads)
    chosen, _ = devices.current(store).choose(config.device)
    compute_on(chosen.torch_name, threads)
    config, dataset = image_size.for_measuring(config, store, chosen.torch_name)
    here = AttemptPlan(device=chosen.torch_name, device_name=chosen.name, threads=threads)
    teachers = teacher_networks.opened(taught, dataset.classes)
    plan = step_plans.decide(config, dataset, here, store, teachers=teachers)
    at_once, config = config.devices, config.of_one_device()
    setup = prepare(  # the weights of its network do not matter
        config, dataset, chosen.torch_name, plan=plan, teachers=teachers
    )
    trainer = setup.trainer
    features_seconds = try_features(setup) if setup.features else 0.0
    features_seconds += try_answers(setup) if setup.answers else 0.0
    trainer.due = always  # so that every step is waited for
    losses: list[float] = []
    start = time.perf_counter()
    for event in trainer.run():
        if isinstance(event, StepEvent):
            losses.append(event.loss)
            if len(losses) == WARM_STEPS:
                start = time.perf_counter()
            elapsed = time.perf_counter() - start
            if len(losses) >= WARM_STEPS + LEAST_STEPS and elapsed > MEASURED_SECONDS:
                break
        if trainer.progress.epoch:
            break
    steps = max(1, len(losses) - WARM_STEPS)
    step_seconds = (time.perf_counter() - start) / steps
    image_seconds = step_seconds / config.batch_size / at_once
    evaluation_seconds = try_evaluation(trainer) / at_once
    epoch = (
        trainer.steps_per_epoch * step_seconds / at_once
        + trainer.val_batches.images * evaluation_seconds
    )
    return Estimate(
        seconds_per_epoch=epoch,
        images_per_second=1 / image_seconds,
        total_seconds=config.epochs * epoch
        + setup.test.images * evaluation_seconds
        + features_seconds,
        device=chosen.torch_name,
        steps=steps,
        features_seconds=features_seconds,
        step_plan=trainer.plan.sentence,
    )


def try_evaluation(trainer: "Trainer") -> float:
    """Time a few batches of validation; return seconds per image."""
    from cifar_core.training.evaluate import evaluate

    batches, wait = trainer.val_batches, waiting(trainer.precision.device_type)
    next(evaluate(trainer.learner, batches, trainer.precision, phase="validate"))  # warms up
    wait()
    start, images = time.perf_counter(), 0
    for tick in evaluate(trainer.learner, batches, trainer.precision, phase="validate"):
        wait()
        images = min(tick.done * batches.batch_size, batches.images)
        if time.perf_counter() - start > EVALUATED_SECONDS:
            break
    return (time.perf_counter() - start) / images


def waiting(kind: str) -> "Callable[[], object]":
    """Return the function that waits for a type of device to finish; on the CPU it does nothing."""
    import torch

    return lambda: None if kind == "cpu" else torch.accelerator.synchronize()


def try_features(setup: "Setup") -> float:
    """Time a few batches of features, give the trainer copies of one row; return seconds for all.

    The extractor is not compiled here, so a large job may take less time than this estimate.
    """
    from cifar_core.training.extractor import extract, make_extractor

    trainer, first = setup.trainer, setup.features[0]
    images = first.open()
    extractor = make_extractor(
        trainer.model,
        trainer.spec.head,
        trainer.precision,
        side=images.side,
        pixels=0,
        batch_size=0,
    )
    batches = extract(extractor, images, trainer.precision)
    sample = next(batches)  # the first one warms up
    start, done = time.perf_counter(), 0
    for batch in batches:
        done += len(batch)
        if time.perf_counter() - start > MEASURED_SECONDS:
            break
    seconds = (time.perf_counter() - start) / max(1, done)
    counts = [len(part.labels) for part in setup.features]
    setup.read_features([copies(sample[:1], count) for count in counts])
    return seconds * sum(counts)


def try_answers(setup: "Setup") -> float:
    """Time a few answers of the teachers, give the trainer copies of one; return seconds for all.

    The answers that are kept already are not taken into account.
    """
    from cifar_core.runs.prepare.kept_answers import compute, teachers_of

    seconds, rows = 0.0, []
    count = sum(len(part.labels) for part in setup.answers)
    for teacher in teachers_of(setup):
        batches = compute(setup, teacher, setup.answers[0], 0)
        sample = next(batches)  # the first one warms up
        start, done = time.perf_counter(), 0
        for batch in batches:
            done += len(batch)
            if time.perf_counter() - start > EVALUATED_SECONDS:
                break
        seconds += (time.perf_counter() - start) / max(1, done) * count
        rows.append(sample[:1])
    setup.read_answers([[copies(row, len(part.labels)) for part in setup.answers] for row in rows])
    return seconds


def copies(row: "NDArray[np.float32]", count: int) -> "Tensor":
    """Return a row [1, D] as many times, which takes no memory."""
    import torch

    return torch.from_numpy(row).expand(count, -1)


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Answer a request of `measure`."""
    from cifar_core.config import TrainConfig

    config = TrainConfig.from_dict(request["config"])
    taught = teacher_networks.from_words(request["teachers"])
    return asdict(trial(config, Path(request["store"]), taught))
