"""Turns logits into probabilities."""

import numpy as np
from numpy.typing import NDArray


def log_softmax(logits: NDArray[np.floating], temperature: float = 1.0) -> NDArray[np.float64]:
    """Return log-probabilities [N, K] of logits [N, K] divided by the temperature."""
    scaled = logits.astype(np.float64) / temperature
    scaled -= scaled.max(axis=1, keepdims=True)
    logs: NDArray[np.float64] = scaled - np.log(np.exp(scaled).sum(axis=1, keepdims=True))
    return logs


def softmax(logits: NDArray[np.floating], temperature: float = 1.0) -> NDArray[np.float64]:
    """Return probabilities [N, K] of logits [N, K]; each row adds up to 1."""
    probabilities: NDArray[np.float64] = np.exp(log_softmax(logits, temperature))
    return probabilities
