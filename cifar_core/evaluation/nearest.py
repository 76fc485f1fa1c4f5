"""Finds the nearest neighbors of features by exact search, and how unusual their distance is.

The distance of a picture from the training images is that to its k-th nearest training image: deep
nearest neighbors, Sun et al. 2022, section 3, https://arxiv.org/abs/2204.06507
"""

import numpy as np
from numpy.typing import NDArray

ROWS = 512  # queries at once, to bound the memory


def unit(features: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return features [N, D], each row scaled to length 1; a row of zeros stays."""
    rows = features.astype(np.float32)
    lengths = np.sqrt(np.einsum("nd,nd->n", rows, rows))[:, None]
    lengths[lengths == 0] = 1
    scaled: NDArray[np.float32] = rows / lengths
    return scaled


def nearest(
    features: NDArray[np.float32], queries: NDArray[np.float32], count: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the indices [M, count] of the features [N, D] most similar to each query [M, D].

    Rows have length 1. The cosine similarities [M, count] in [-1, 1] come second. The most similar
    is first; there are fewer than `count` if there are fewer features.
    """
    count = min(count, len(features))
    indices, similarities = [], []
    for start in range(0, len(queries), ROWS):
        every = queries[start : start + ROWS] @ features.T
        best = np.argpartition(-every, count - 1, axis=1)[:, :count]
        similar = np.take_along_axis(every, best, axis=1)
        order = np.argsort(-similar, axis=1, kind="stable")
        indices.append(np.take_along_axis(best, order, axis=1))
        similarities.append(np.take_along_axis(similar, order, axis=1))
    return np.concatenate(indices), np.concatenate(similarities)


def kth_similarity(
    features: NDArray[np.float32], queries: NDArray[np.float32], k: int
) -> NDArray[np.float32]:
    """Return the cosine similarity of the k-th nearest feature to each query [M]."""
    return nearest(features, queries, k)[1][:, -1]


def share_nearer(similarity: float, others: NDArray[np.float32]) -> float:
    """Return the share of `others` [M] whose similarity is higher, in [0, 1]."""
    return float((others > similarity).mean())


def evenly(labels: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Return the indices of about `count` of the labels [N], sorted, equally many of each class.

    A smaller class contributes all its images. Within a class they are spread over its images.
    """
    classes, sizes = np.unique(labels, return_counts=True)
    most = max(1, count // len(classes))
    chosen = [
        np.flatnonzero(labels == name)[np.linspace(0, size - 1, min(size, most)).astype(int)]
        for name, size in zip(classes, sizes, strict=True)
    ]
    return np.sort(np.concatenate(chosen))
