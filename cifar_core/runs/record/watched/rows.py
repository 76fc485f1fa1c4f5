"""watched.jsonl: one row for each epoch, with what its validation showed.

Every attempt appends to its own file, as it does to metrics.jsonl. Which attempts' rows count is
decided for both files by the same rule; of an epoch that has several, the last one counts.
"""

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Annotated, Any, TypeAlias

from msgspec import Meta, Struct

from cifar_core.disk import files
from cifar_core.disk.checks import MOST_CLASSES, Moment, Whole, as_type, is_a
from cifar_core.runs.record import metrics

NAME = "watched.jsonl"
IMAGES, MOST_COUNTED, PAIRS = 16, 20, 20  # as `training.watched` has them

Class: TypeAlias = Annotated[int, Meta(ge=0, lt=MOST_CLASSES)]
Classes: TypeAlias = Annotated[list[Class], Meta(max_length=IMAGES)]
Pair: TypeAlias = tuple[Class, Class, Whole]


class WatchedEpoch(Struct, frozen=True, kw_only=True):
    """The images that a run watches and the confusions, after one epoch."""

    t: Moment = 0.0
    step: Whole
    epoch: Whole
    images: Annotated[list[Whole], Meta(max_length=IMAGES)]  # indexes of training images
    labels: Classes
    predicted: Classes
    # of all validation images, row by row: true class, predicted class; empty with many classes
    counts: Annotated[list[Whole], Meta(max_length=MOST_COUNTED**2)] = []
    pairs: Annotated[list[Pair], Meta(max_length=PAIRS)] = []  # most frequent mistakes otherwise

    @property
    def classes(self) -> int:
        """The number of classes whose counts there are; 0 if only pairs are known."""
        return round(len(self.counts) ** 0.5)

    @property
    def right(self) -> dict[int, bool]:
        """Whether each image is taken for what it is, by its index."""
        answers = zip(self.labels, self.predicted, strict=True)
        return {
            image: label == answer
            for image, (label, answer) in zip(self.images, answers, strict=True)
        }

    @property
    def worst(self) -> list[Pair]:
        """The mistakes as (true class, predicted class, images), most frequent first."""
        if self.pairs:
            return self.pairs
        cells = [(*divmod(i, self.classes), n) for i, n in enumerate(self.counts) if n]
        return sorted((cell for cell in cells if cell[0] != cell[1]), key=lambda cell: -cell[2])


def path_of(folder: Path, attempt: int) -> Path:
    """Return the file that an attempt of a run appends its rows to."""
    return metrics.attempt_folder(folder, attempt) / NAME


def size(folder: Path, attempt: int) -> int:
    """Return how many bytes an attempt has written; 0 if it has no file."""
    path = path_of(folder, attempt)
    return path.stat().st_size if path.exists() else 0


def is_like_a_row(row: Mapping[str, Any]) -> bool:
    """Return True if a row has all entries that it needs, and they fit together."""
    if not is_a(row, WatchedEpoch):
        return False
    found = as_type(row, WatchedEpoch)
    same = len(found.images) == len(found.labels) == len(found.predicted)
    return same and len(found.counts) == found.classes**2


def read(folder: Path) -> list[WatchedEpoch]:
    """Return what a run's validations showed, by epoch, each epoch once."""
    by_epoch: dict[int, WatchedEpoch] = {}
    reader = metrics.MetricsReader(folder)
    parts = reader.lineage()
    for part, later in zip_longest(parts, parts[1:]):
        rows, _ = files.read_lines(path_of(folder, part.attempt), like=is_like_a_row)
        found = [as_type(row, WatchedEpoch) for row in rows if is_like_a_row(row)]
        end = reader.starts[later.attempt].step if later else None
        by_epoch |= {row.epoch: row for row in found if end is None or row.step <= end}
    return [by_epoch[epoch] for epoch in sorted(by_epoch)]


def stamp(folder: Path) -> Sequence[int]:
    """Return numbers that change whenever `read` would return something else."""
    return [
        files.stamp(path.with_name(name))
        for number in metrics.attempt_numbers(folder)
        for path in [path_of(folder, number)]
        for name in (NAME, "start.json")
    ]
