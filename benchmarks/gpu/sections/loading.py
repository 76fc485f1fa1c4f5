"""Whether large images arrive as fast as a network computes: beside steps on one fixed batch."""

import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice, repeat
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from torch import Tensor

from benchmarks.gpu import on_device
from benchmarks.gpu.section import Bench
from benchmarks.gpu.sections.ways import Way, way
from cifar_core.data.dataset import Dataset, Images
from cifar_core.numbers import percent
from cifar_core.training.step.trial import endless

LEAST = 0.9  # of the rate on one fixed batch
CLASSES = 10
ROUNDS = 3


class OneBatch:
    """Batches that are always the same one, which stays on the device."""

    def __init__(self, batches: Any) -> None:
        self.batches = batches
        self.batch: tuple[Tensor, Tensor] = next(batches.epoch())

    def __getattr__(self, name: str) -> Any:
        return getattr(self.batches, name)

    def __len__(self) -> int:
        return len(self.batches)

    def epoch(self, number: int = 0, start: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the batch again and again; `number` has no effect."""
        return repeat(self.batch, len(self) - start)


def run(bench: Bench) -> None:
    """Train on images that are read and cropped anew, and on one batch, in turns."""
    model, side = bench.sized("resnet50", "simple_cnn"), bench.sized(224, 64)
    batch, steps = bench.sized(256, 8), bench.sized(40, 2)
    one = way(bench, model, batch, "channels_last", "bfloat16")
    config = replace(one.config, image_size=side, random_resized_crop=0.08)
    one = replace(one, config=config)
    with TemporaryDirectory(dir=bench.folder) as folder:
        images = pictures(Path(folder) / "pixels", batch * 3 * steps, side)
        read, alone = rates(bench, one, images, steps)
    share = median(a / b for a, b in zip(read, alone, strict=True))
    bench.note_time(
        f"{model} at {side} pixels, batch {batch}, bfloat16: images read, cropped and copied, "
        "against one fixed batch",
        f"{percent(share, 0)}: {median(read):,.0f} images a second against {median(alone):,.0f}",
        target=f"at least {percent(LEAST, 0)}",
        passed=share >= LEAST,
    )


def rates(bench: Bench, one: Way, images: Dataset, steps: int) -> tuple[list[float], list[float]]:
    """Return the images a second of some rounds: read from the file, and of one fixed batch."""
    read, fixed = one.trainer(images), one.trainer(images)
    fixed.train_batches = OneBatch(fixed.train_batches)  # type: ignore[assignment]
    both = [endless(trainer) for trainer in (read, fixed)]
    rounds = [
        [one.config.batch_size * steps / seconds_of(bench, stepping, steps) for stepping in both]
        for _ in range(ROUNDS + 1)  # the first one warms up
    ]
    return [first for first, _ in rounds[1:]], [second for _, second in rounds[1:]]


def pictures(file: Path, count: int, side: int) -> Dataset:
    """Return black images in a file of which the disk keeps nothing, with room for crops."""
    stored = round(1.143 * side)
    with file.open("wb") as opened:
        opened.truncate(count * stored**2 * 3)
    wider = np.memmap(file, np.uint8, "r", shape=(count, stored, stored, 3))
    centered = slice((stored - side) // 2, (stored - side) // 2 + side)
    labels = np.arange(count, dtype=np.int64) % CLASSES
    part = Images(pixels=wider[:, centered, centered], labels=labels, wider=wider)
    return Dataset(
        kind="folder",
        title="Black images",
        source="",
        classes=tuple(map(str, range(CLASSES))),
        train=part,
        test=Images(pixels=part.pixels[:CLASSES], labels=labels[:CLASSES]),
        fingerprint="",
        note="",
    )


def seconds_of(bench: Bench, stepping: Iterator[None], steps: int) -> float:
    """Return the seconds of so many steps by the clock, until the device has done them."""
    on_device.synchronize(bench.device)
    start = time.perf_counter()
    for _ in islice(stepping, steps):
        pass
    on_device.synchronize(bench.device)
    return time.perf_counter() - start
