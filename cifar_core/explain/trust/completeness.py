"""Does a map that claims to distribute the score's rise add up to it?

The axiom of completeness (Sundararajan et al. 2017, arXiv 1703.01365, section 3).
"""

from dataclasses import dataclass

from torch import Tensor

from cifar_core.explain.baselines import Baseline
from cifar_core.explain.spec import Explainable
from cifar_core.explain.trust.hiding import logits
from cifar_core.numbers import percent


@dataclass(frozen=True, kw_only=True)
class Completeness:
    """The total of a map, and the total that it should have."""

    total: float  # of the map, in logits
    rise: float  # of the class's logit from the baseline to the image, mean over its pictures
    error: float  # |total - rise| as a share of the rise

    @property
    def sentence(self) -> str:
        """What the map adds up to, measured, in a sentence."""
        if abs(self.total - self.rise) >= 2 * abs(self.rise):  # a share would mislead
            return (
                f"The map sums to {self.total:+.2f}, while the class's logit is {self.rise:+.2f} "
                "above that of the baseline."
            )
        return (
            f"The map sums to {percent(self.total / self.rise, 0)} of the rise of the class's "
            f"logit over the baseline ({self.rise:+.2f})."
        )


def completeness(
    classifier: Explainable, image: Tensor, target: int, map_: Tensor, baseline: Baseline
) -> Completeness:
    """Compare the total of a map [H, W] with the rise; 1 pass and 1 per picture of the baseline."""
    scores = logits(classifier, [image, *baseline.of(image)])
    rise = float(scores[0, target] - scores[1:, target].mean())
    total = float(map_.sum())
    least = float(scores.abs().max()) / 100  # below this, a rise is mostly rounding error
    missed = abs(total - rise)
    error = missed / max(abs(rise), least) if missed else 0.0  # an untrained ViT's logits are all 0
    return Completeness(total=total, rise=rise, error=error)
