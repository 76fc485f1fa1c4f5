"""The answers of a run's teachers to images that stay the same: computed once, as features are."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cifar_core.runs.prepare import feature_files
from cifar_core.runs.prepare.feature_files import Compute, FeatureFile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cifar_core.training.kept.image_sets import ImageSet
    from cifar_core.training.setup import Setup
    from cifar_core.training.task.teachers import Teacher


def entries(setup: "Setup", fingerprint: str, store: Path) -> list[list[FeatureFile]]:
    """Return the files of each teacher's logits [N, K], one for each set of images."""
    trainer = setup.trainer
    return [
        [
            feature_files.entry(
                store,
                {**identity(setup, teacher, fingerprint), **images.identity},
                len(images.labels),
                trainer.watch.classes,
            )
            for images in setup.answers
        ]
        for teacher in teachers_of(setup)
    ]


def teachers_of(setup: "Setup") -> "tuple[Teacher, ...]":
    """Return the teachers whose answers are kept; none if they differ in each epoch."""
    teaching = setup.trainer.task.teaching
    return teaching.teachers if teaching and setup.answers else ()


def identity(setup: "Setup", teacher: "Teacher", fingerprint: str) -> dict[str, Any]:
    """Return plain values that change whenever a teacher's answers would."""
    trainer = setup.trainer
    return {
        "model": f"answers-of-{teacher.built['model']}",
        "teacher": {**teacher.built, "sha256": teacher.sha256},
        "order": None if teacher.order is None else teacher.order.tolist(),
        "data": fingerprint,
        "format_of_numbers": trainer.precision.key,
        "format_in_memory": trainer.plan.memory_format,  # rounds differently
    }


def work(setup: "Setup", kept: list[list[FeatureFile]]) -> Iterator[tuple[FeatureFile, Compute]]:
    """Yield the file of each teacher and set of images, and how its answers are computed."""
    for teacher, of_one in zip(teachers_of(setup), kept, strict=True):
        for file, images in zip(of_one, setup.answers, strict=True):
            yield file, partial(compute, setup, teacher, images)


def compute(
    setup: "Setup", teacher: "Teacher", images: "ImageSet", start: int
) -> "Iterator[NDArray[np.float32]]":
    """Yield the logits [n, K] for the images from position `start` on."""
    import torch

    batches = images.open()
    first, rest = divmod(start, batches.batch_size)
    for pixels, _ in batches.epoch(images.view, first):
        with torch.no_grad(), setup.trainer.precision.autocast():
            logits = teacher.logits(pixels)
        yield logits[rest:].cpu().numpy()
        rest = 0
