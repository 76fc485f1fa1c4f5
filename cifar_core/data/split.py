"""Sets training images aside for validation: the set's own, or the same share of every class."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cifar_core.data.dataset import Images

Indices = NDArray[np.int64]


class SplitSettings(Protocol):
    """The settings of a run that divide its images."""

    @property
    def train_fraction(self) -> float: ...  # noqa: D102
    @property
    def val_fraction(self) -> float: ...  # noqa: D102
    @property
    def split_seed(self) -> int: ...  # noqa: D102


def split_of(images: Images, config: SplitSettings) -> tuple[Indices, Indices]:
    """Return the sorted indices of a run's training images, and of its validation images.

    Validation images that the set itself names are used as such, all of them, and
    `val_fraction` does not apply.
    """
    if images.kept_back is None:
        return split(
            images.labels,
            train_fraction=config.train_fraction,
            val_fraction=config.val_fraction,
            seed=config.split_seed,
        )
    others = np.setdiff1d(np.arange(len(images)), images.kept_back)
    train, _ = split(
        images.labels[others],
        train_fraction=config.train_fraction,
        val_fraction=0.0,
        seed=config.split_seed,
    )
    return others[train], images.kept_back


def split(
    labels: Indices, *, train_fraction: float, val_fraction: float, seed: int
) -> tuple[Indices, Indices]:
    """Return the sorted indices of the training and of the validation images.

    The validation images depend only on `val_fraction` and `seed`, and a smaller
    `train_fraction` selects a subset of a larger one's images, so that runs on more or less data
    can be compared. Every class keeps at least one training image.
    """
    train, val = [], []
    for label in np.unique(labels):
        members = np.random.default_rng([seed, int(label)]).permutation(
            np.flatnonzero(labels == label)
        )
        aside = min(max(1, round(val_fraction * len(members))), len(members) - 1)
        aside = aside if val_fraction else 0
        rest = members[aside:]
        val.append(members[:aside])
        train.append(rest[: max(1, round(train_fraction * len(rest)))])
    return gather(train), gather(val)


def gather(groups: list[Indices]) -> Indices:
    """Join the classes' indices and sort them."""
    return np.sort(np.concatenate(groups)) if groups else np.zeros(0, np.int64)
