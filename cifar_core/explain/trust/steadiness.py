"""How much of a map is chance, for methods that draw at random."""

from dataclasses import dataclass

import torch
from torch import Tensor

STEADY = 0.9  # correlation of two draws from which a map hardly depends on the draw


@dataclass(frozen=True, kw_only=True)
class Steadiness:
    """How well a map agrees with another one, drawn with other random numbers."""

    correlation: float  # -1 to 1; 1 without noise

    @property
    def sentence(self) -> str:
        """The measured agreement, and what to do if it is low."""
        words = (
            "The method draws at random: drawn again, this map and the second one correlate at "
            f"{self.correlation:.2f} (1 would be no noise)."
        )
        if self.correlation >= STEADY:
            return words
        return f"{words} More draws in the method's settings make it steadier."


def steadiness(map_: Tensor, again: Tensor) -> Steadiness:
    """Compare two maps [H, W] of the same question; 0 if one is constant."""
    pair = torch.stack([map_.flatten(), again.flatten()]).double()
    correlation = float(torch.corrcoef(pair)[0, 1].nan_to_num())
    return Steadiness(correlation=correlation)
