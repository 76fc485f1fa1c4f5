"""Accuracies to beat: the course's, and the best of this store's runs on the same images."""

from collections.abc import Iterable
from dataclasses import dataclass

from cifar_core.data.sources.cifar10 import CLASSES
from cifar_core.runs.record.computed.how import DataRecord
from cifar_core.runs.record.run_kinds import TRAINING
from cifar_core.runs.store.run_row import RunRow, own


@dataclass(frozen=True, kw_only=True)
class Goal:
    """A test accuracy to beat."""

    key: str
    title: str  # label of its line, a few words
    accuracy: float  # on test, 0 to 1
    source: str  # a sentence about where the number comes from
    run: int | None = None  # the number of the run, if it is one of the store's


COURSE = (
    Goal(
        key="course_cnn",
        title="Course CNN",
        accuracy=0.6671,
        source="The course reported 66.71 % on test for its first network, a simple CNN trained "
        "from scratch on the original CIFAR-10.",
    ),
    Goal(
        key="course_resnet",
        title="Course ResNet",
        accuracy=0.9027,
        source="The course reported 90.27 % on test for its ResNet with ImageNet weights, of which "
        "only the last layer was trained, on the original CIFAR-10.",
    ),
)


def goals(data: DataRecord, rows: Iterable[RunRow]) -> list[Goal]:
    """Return the accuracies to beat on these images, lowest first.

    `data` describes the images, as in a run's environment. The course's numbers count only for the
    ten classes of CIFAR-10; the best run is one that was tested on the same images.
    """
    course = COURSE if set(data.classes) == set(CLASSES) else ()
    best = best_of(data, rows)
    return sorted([*course, *([best] if best else [])], key=lambda goal: goal.accuracy)


def best_of(data: DataRecord, rows: Iterable[RunRow]) -> Goal | None:
    """Return the best test accuracy among the runs on the same images, the earliest if equal.

    The shipped examples do not count.
    """
    wanted = images_of(data.title, data.kind, data.test_images)
    tested = [
        row
        for row in own(rows)
        if row.kind == TRAINING
        and row.test_accuracy is not None
        and images_of(row.data_title, row.data_kind, row.test_images) == wanted
    ]
    if not tested:
        return None
    best = max(tested, key=lambda row: (row.test_accuracy or 0.0, -row.number))
    return Goal(
        key="own_best",
        title=f"Best run, #{best.number}",
        accuracy=best.test_accuracy or 0.0,
        source=f"The best test accuracy of this store's runs on these images: #{best.number} "
        f"{best.name}.",
        run=best.number,
    )


def images_of(title: str, kind: str, count: int) -> tuple[str, str, int]:
    """Return what identifies a set of test images in the list of runs."""
    return title, kind, count
