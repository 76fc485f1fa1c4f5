"""From logits to how likely each class is."""

import numpy as np
from numpy.typing import NDArray


def log_softmax(logits: NDArray[np.floating], temperature: float = 1.0) -> NDArray[np.float64]:
    """Return the logarithm of how likely each class is [N, K], the logits divided first."""
    scaled = logits.astype(np.float64) / temperature
    scaled -= scaled.max(axis=1, keepdims=True)
    found: NDArray[np.float64] = scaled - np.log(np.exp(scaled).sum(axis=1, keepdims=True))
    return found


def softmax(logits: NDArray[np.floating], temperature: float = 1.0) -> NDArray[np.float64]:
    """Return how likely each class is [N, K]; each row adds up to 1."""
    found: NDArray[np.float64] = np.exp(log_softmax(logits, temperature))
    return found
