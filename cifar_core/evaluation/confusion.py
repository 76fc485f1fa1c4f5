"""Counts which class is predicted for which, and orders the classes by similarity."""

import numpy as np
from numpy.typing import NDArray


def confusion(
    predicted: NDArray[np.integer], labels: NDArray[np.integer], classes: int
) -> NDArray[np.int64]:
    """Count how often each class (row) is predicted as each class (column): [K, K]."""
    cells = np.bincount(labels * classes + predicted, minlength=classes * classes)
    return cells.reshape(classes, classes)


def row_shares(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return each class's predictions [K, K] as shares of its images; NaN if it has none."""
    with np.errstate(invalid="ignore"):
        shares: NDArray[np.float64] = counts / counts.sum(axis=1, keepdims=True)
    return shares


def errors_only(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the counts [K, K] without the right predictions."""
    mistakes: NDArray[np.int64] = counts - np.diag(np.diag(counts))
    return mistakes


def by_similarity(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the classes [K] in an order in which those that are confused are neighbors.

    Spectral seriation (Atkins, Boman and Hendrickson 1998, https://doi.org/10.1137/S0097539795285771):
    sorted by the Fiedler vector of the mistakes, counted in both directions. A tenth of a mistake
    is added to each pair, so that every class is connected to the others.
    """
    mistakes = errors_only(counts)
    links = (mistakes + mistakes.T).astype(np.float64) + 0.1
    np.fill_diagonal(links, 0)
    laplacian = np.diag(links.sum(axis=1)) - links
    fiedler = np.linalg.eigh(laplacian)[1][:, min(1, len(counts) - 1)]
    order: NDArray[np.int64] = np.argsort(fiedler.round(9), kind="stable")
    return order[::-1] if order[0] > order[-1] else order  # an eigenvector's sign is arbitrary
