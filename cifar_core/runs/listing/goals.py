"""Accuracies to beat: the course's, and the best of one's own runs on the same images."""

from collections.abc import Iterable
from dataclasses import dataclass

from cifar_core.data.sources.cifar10 import CLASSES
from cifar_core.runs.record.records import DataRecord
from cifar_core.runs.store.run_row import RunRow


@dataclass(frozen=True, kw_only=True)
class Goal:
    """An accuracy on the test images, and whose it is."""

    key: str
    title: str  # of its line, a word or two
    accuracy: float  # on test, 0 to 1
    source: str  # a sentence: where the number comes from
    run: int | None = None  # the number of one's own run


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
        "only the last layer learnt, on the original CIFAR-10.",
    ),
)


def goals(data: DataRecord, rows: Iterable[RunRow]) -> list[Goal]:
    """Return what there is to beat on these images, lowest first.

    `data` is what a run's environment says of its images. The course's numbers count only for the
    ten classes of CIFAR-10; one's own best is among the runs tested on the same images.
    """
    course = COURSE if set(data.classes) == set(CLASSES) else ()
    own = best_of(data, rows)
    return sorted([*course, *([own] if own else [])], key=lambda goal: goal.accuracy)


def best_of(data: DataRecord, rows: Iterable[RunRow]) -> Goal | None:
    """Return the best test accuracy among the runs on the same images, the earliest if equal."""
    place = same_images(data.title, data.kind, data.test_images)
    tested = [
        row
        for row in rows
        if row.test_accuracy is not None
        and same_images(row.data_title, row.data_kind, row.test_images) == place
    ]
    if not tested:
        return None
    best = max(tested, key=lambda row: (row.test_accuracy or 0.0, -row.number))
    return Goal(
        key="own_best",
        title=f"Own best, #{best.number}",
        accuracy=best.test_accuracy or 0.0,
        source=f"The best test accuracy of your own runs on these images: #{best.number} "
        f"{best.name}.",
        run=best.number,
    )


def same_images(title: str, kind: str, count: int) -> tuple[str, str, int]:
    """Return what tells one set of test images from another in the list of runs."""
    return title, kind, count
