"""Labels as files store them, turned into numbers of classes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifar_core.data.sources.archive import shown
from cifar_core.disk.checks import MOST_CLASSES, Text, is_a
from cifar_core.errors import DataError


def one_each(name: str, labels: NDArray[Any]) -> NDArray[Any]:
    """Return labels [N] from [N], [N, 1], [1, N] or one-hot [N, K]; raises DataError."""
    if labels.dtype.kind not in "biufUS":
        raise DataError(
            f"{name} holds {labels.dtype} instead of labels. Store whole numbers or texts."
        )
    if labels.ndim == 2 and 1 in labels.shape:
        labels = labels.reshape(-1)
    if labels.ndim == 2 and labels.dtype.kind in "biuf":
        hot = (labels == 1).sum(axis=1) == 1
        if not (hot & ((labels == 0).sum(axis=1) == labels.shape[1] - 1)).all():
            raise DataError(
                f"{name} gives some images several labels or none, but a classifier needs exactly "
                "one for each image. Choose one of the labels, and store it as [N]."
            )
        labels = labels.argmax(axis=1)
    if labels.ndim != 1:
        raise DataError(f"{name} has {labels.ndim} axes. Store one label for each image: [N].")
    if labels.dtype.kind == "f":
        if not (np.isfinite(labels) & (labels == np.rint(labels)) & (abs(labels) < 2**53)).all():
            raise DataError(
                f"{name} has labels that are not whole numbers. Store the number of each image's "
                "class."
            )
        labels = labels.astype(np.int64)
    return labels.astype(str) if labels.dtype.kind in "US" else labels.astype(np.int64)


def numbered(
    name: str, parts: Sequence[NDArray[Any]], names: Sequence[str] = ()
) -> tuple[tuple[str, ...], list[NDArray[np.int64]]]:
    """Return the classes' names, and for each part its labels [N] as indices of classes.

    Without `names`, numbers are named after themselves, in numeric order; -1 and "" mean that an
    image has no label. With them, a label is an index of `names`. Raises DataError.
    """
    labels = [one_each(name, part) for part in parts]
    if len({part.dtype.kind for part in labels}) > 1:
        labels = [part.astype(str) for part in labels]
    everything = np.concatenate(labels)
    none = -1 if everything.dtype.kind == "i" else ""
    there = np.unique(everything[everything != none])
    if names and there.dtype.kind == "i":
        if len(there) and not 0 <= there[0] <= there[-1] < len(names):
            wrong = there[0] if there[0] < 0 else there[-1]
            raise DataError(
                f"{name} has the label {wrong}, but only 0 to {len(names) - 1} have a name. "
                "The file is damaged, or its names belong to another set."
            )
        return checked(name, distinct(names)), labels
    classes = checked(name, [str(label) for label in there])
    return classes, [
        np.where(np.isin(part, there), np.searchsorted(there, part), -1).astype(np.int64)
        for part in labels
    ]


def distinct(names: Sequence[str]) -> list[str]:
    """Return names of classes, those that occur again with their number added."""
    seen: set[str] = set()
    new = []
    for number, name in enumerate(names):
        new.append(f"{name} ({number})" if name in seen else name)
        seen.add(new[-1])
    return new


def checked(name: str, classes: Sequence[str]) -> tuple[str, ...]:
    """Return names of classes if they can be shown and saved; raises DataError."""
    if not 2 <= len(classes) <= MOST_CLASSES:
        raise DataError(
            f"{name} has {len(classes):,} different labels, but a classifier needs 2 to "
            f"{MOST_CLASSES:,}. Check that these are the labels of classes."
        )
    wrong = next((label for label in classes if not is_a(label, Text) or not label.strip()), None)
    if wrong is not None:
        raise DataError(
            f"{name} has the class '{shown(wrong)}', whose name cannot be shown. Rename it."
        )
    return tuple(classes)
