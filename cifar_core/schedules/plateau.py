"""Lowers the rate when the validation loss has stopped falling."""

from dataclasses import dataclass

LEAST_GAIN = 1e-4  # share of the lowest loss by which a new one must be lower, as in torch


@dataclass
class Plateau:
    """The state of the schedule; plain values, so that a snapshot can hold it."""

    share: float = 1.0  # of the rate; falls by the factor at each plateau
    lowest: float | None = None  # loss so far
    stale_epochs: int = 0  # since then

    def update(self, loss: float, *, patience: int, factor: float) -> None:
        """Add an epoch's validation loss; lower the share after `patience` epochs without gain."""
        self.stale_epochs += 1
        if self.lowest is None or loss < self.lowest * (1 - LEAST_GAIN):
            self.lowest, self.stale_epochs = loss, 0
        if self.stale_epochs > patience:
            self.share, self.stale_epochs = self.share * factor, 0
