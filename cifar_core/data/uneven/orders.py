"""The order of an epoch's images: all of them shuffled, or classes equally often.

Each order is a pure function of (labels, seed, epoch) and as long as there are images, so that
training can continue exactly from any position.
"""

import numpy as np
from numpy.typing import NDArray

from cifar_core.data.augmentation.augment import order as shuffled_order
from cifar_core.data.augmentation.augment import stream
from cifar_core.registry import Option, Registry

BALANCE = 7  # its stream of random numbers, separate from those of order and augmentation
SHUFFLED, BALANCED = "shuffled", "balanced"
ORDERS = Registry(
    "order of the images",
    [
        Option(key=SHUFFLED, title="Shuffled", summary="Every image once an epoch."),
        Option(
            key=BALANCED,
            title="Balanced",
            summary="Every class equally often: images of rare classes are repeated, and those of "
            "frequent ones take turns over the epochs.",
        ),
    ],
)


def order_of(labels: NDArray[np.int64], key: str, *, seed: int, epoch: int) -> NDArray[np.int64]:
    """Return the indices [N] of an epoch's images, in order, for labels [N] and a key of ORDERS."""
    if key == BALANCED:
        return balanced(labels, seed=seed, epoch=epoch)
    return shuffled_order(len(labels), seed=seed, epoch=epoch)


def balanced(labels: NDArray[np.int64], *, seed: int, epoch: int) -> NDArray[np.int64]:
    """Return indices [N] in which each class that occurs is equally frequent, shuffled.

    The images of a class stand in a circle, in an order that the seed decides. Each epoch starts
    where the one before it ended, so that all images of a class are used equally often, within
    one. If N cannot be divided by the number of classes, the classes take turns with the rest.
    """
    count = len(labels)
    mixed = stream(seed, 0, BALANCE).permutation(count)
    by_class = mixed[np.argsort(labels[mixed], kind="stable")]
    sizes = np.unique(labels, return_counts=True)[1]
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    before, now = drawn(count, len(sizes), epoch), drawn(count, len(sizes), epoch + 1)
    chosen = np.concatenate(
        [
            by_class[start + np.arange(first, last) % size]
            for start, size, first, last in zip(starts, sizes, before, now, strict=True)
        ]
    )
    order: NDArray[np.int64] = chosen[shuffled_order(count, seed=seed, epoch=epoch)]
    return order


def drawn(images: int, classes: int, epochs: int) -> NDArray[np.int64]:
    """Return how many images of each class [K] the first epochs use, together."""
    every, turns = divmod(images * epochs, classes)
    counts: NDArray[np.int64] = every + (np.arange(classes) < turns).astype(np.int64)
    return counts
