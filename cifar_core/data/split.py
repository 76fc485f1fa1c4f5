"""Sets training images aside for validation: the same share of every class, from a seed."""

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]


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
        rest = members[aside:]
        val.append(members[:aside])
        train.append(rest[: max(1, round(train_fraction * len(rest)))])
    return gather(train), gather(val)


def gather(groups: list[Indices]) -> Indices:
    """Join the classes' indices and sort them."""
    return np.sort(np.concatenate(groups)) if groups else np.zeros(0, np.int64)
