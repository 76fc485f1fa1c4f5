"""The nearest of many features to a few, searched exactly, and how unusual it is to be so far.

The distance of a picture from the training images is that to its k-th nearest training image: deep
nearest neighbors, Sun et al. 2022, section 3, https://arxiv.org/abs/2204.06507
"""

import numpy as np
from numpy.typing import NDArray

ROWS = 512  # of what is asked about at once, to bound the memory


def unit(features: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return features [N, D], each row brought to length 1; a row of zeros stays."""
    rows = features.astype(np.float32)
    lengths = np.sqrt(np.einsum("nd,nd->n", rows, rows))[:, None]
    lengths[lengths == 0] = 1
    scaled: NDArray[np.float32] = rows / lengths
    return scaled


def nearest(
    known: NDArray[np.float32], asked: NDArray[np.float32], count: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the places in `known` [N, D] of the most similar to each of `asked` [M, D].

    Both are of length 1. Comes back as places [M, count] and their cosine similarities in [-1, 1],
    the most similar first; fewer than `count` if fewer are known.
    """
    count = min(count, len(known))
    places, similarities = [], []
    for start in range(0, len(asked), ROWS):
        all_of_them = asked[start : start + ROWS] @ known.T
        best = np.argpartition(-all_of_them, count - 1, axis=1)[:, :count]
        found = np.take_along_axis(all_of_them, best, axis=1)
        order = np.argsort(-found, axis=1, kind="stable")
        places.append(np.take_along_axis(best, order, axis=1))
        similarities.append(np.take_along_axis(found, order, axis=1))
    return np.concatenate(places), np.concatenate(similarities)


def kth_similarity(
    known: NDArray[np.float32], asked: NDArray[np.float32], k: int
) -> NDArray[np.float32]:
    """Return how similar the k-th nearest of `known` is to each of `asked` [M]."""
    return nearest(known, asked, k)[1][:, -1]


def share_nearer(similarity: float, others: NDArray[np.float32]) -> float:
    """Return the share of others [M] that are nearer than something as similar as this."""
    return float((others > similarity).mean())


def evenly(labels: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Return places of about `count` of the labels [N], in order, as many of each class.

    A class that has fewer gives all of them. Within a class they are spread over its images.
    """
    classes, sizes = np.unique(labels, return_counts=True)
    most = max(1, count // len(classes))
    chosen = [
        np.flatnonzero(labels == name)[np.linspace(0, size - 1, min(size, most)).astype(int)]
        for name, size in zip(classes, sizes, strict=True)
    ]
    return np.sort(np.concatenate(chosen))
