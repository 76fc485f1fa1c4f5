"""Images a second of every way to compute a step, and of the script that most people write."""

import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import product
from statistics import median

from benchmarks import plain
from benchmarks.end_to_end import noise
from benchmarks.gpu import on_device
from benchmarks.gpu.section import Bench
from benchmarks.gpu.sections.ways import Way, way
from cifar_core.data.dataset import Dataset
from cifar_core.training.step.compiling import forget_compiled
from cifar_core.training.step.timing import time_in_turns

TARGET, TIMES = 30_000, 3  # images a second, and times as many as the plain script; on one H100
LARGE = 512  # a batch that is less bound by the CPU
COMPILING = 45.0  # seconds that must be left to begin to compile
WARM, COUNTED, WORKERS = 20, 100, 8  # steps of the plain script, and processes of its DataLoader


def run(bench: Bench) -> None:
    """Time the plain script, then every way, and judge the fastest of the same batch size."""
    model, batch = bench.sized("resnet18", "simple_cnn"), bench.sized(plain.BATCH, 16)
    images = noise()
    slow = plain_rate(bench, model, images)
    bench.note(f"{model}, plain script, batch {plain.BATCH}", written(slow))
    rates: dict[Way, float] = {}
    for group in groups(bench, model, batch):
        first = group[0]
        if first.plan.compiled and bench.left < COMPILING:
            bench.skip(first.name, "no time was left to compile")
            continue
        for one, value in timed(bench, group, images).items():
            bench.note(one.name, written(value))
            rates[one] = value
        forget_compiled()
    best = max((one for one in rates if one.config.batch_size == batch), key=rates.__getitem__)
    bench.note_time(f"{model}, batch {batch}, the fastest", f"{written(rates[best])}: {best.name}",
                    target=f"at least {written(TARGET)}", passed=rates[best] >= TARGET)  # fmt: skip
    times = rates[best] / slow
    bench.note_time(f"{model}, the fastest against the plain script", f"{times:.1f} times",
                    target=f"at least {TIMES} times", passed=times >= TIMES)  # fmt: skip


def groups(bench: Bench, model: str, batch: int) -> Iterator[list[Way]]:
    """Yield the ways that are timed in turns; those that must be compiled one by one."""
    orders, formats = ("channels_last", "contiguous"), ("bfloat16", "float32")
    if bench.rehearses:
        usual = way(bench, model, batch, "channels_last", "float32")
        yield [usual, usual.in_pieces()]
        return
    eager = [way(bench, model, batch, order, key) for key, order in product(formats, orders)]
    first, _, exact, _ = eager
    yield [*eager, first.in_pieces()]
    yield [replace(one, benchmark=False) for one in eager]
    yield [way(bench, model, LARGE, "channels_last", key) for key in formats]
    for one in (first, first.in_pieces(), exact):
        yield [one.compiled()]


def timed(bench: Bench, ways: list[Way], images: Dataset) -> dict[Way, float]:
    """Return the images a second of each way; one that does not compile is noted as failed."""
    trainers = {one: one.trainer(images) for one in ways}
    steps = {one.name: one.step_of(trainer) for one, trainer in trainers.items()}
    rounds = time_in_turns(steps, partial(on_device.wall_seconds, bench.device))
    for one, trainer in trainers.items():
        if trainer.plan.compiled != one.plan.compiled:
            bench.note(one.name, trainer.plan.reason, target="it compiles", passed=False)
            rounds.pop(one.name)
    return {one: one.config.batch_size / median(rounds[one.name])
            for one in ways if one.name in rounds}  # fmt: skip


def plain_rate(bench: Bench, model: str, images: Dataset) -> float:
    """Return the images a second of the script that most people write, within an epoch."""
    network = bench.config(model=model).build_model(10)
    steps = plain.train(network, images.train.pixels, images.train.labels,
                        device=bench.device, workers=bench.sized(WORKERS, 0))  # fmt: skip
    for _ in range(bench.sized(WARM, 1)):
        next(steps)
    start = time.perf_counter()
    passed = sum(next(steps) for _ in range(bench.sized(COUNTED, 2)))
    return passed / (time.perf_counter() - start)


def written(rate: float) -> str:
    """Write a rate."""
    return f"{rate:,.0f} images a second"
