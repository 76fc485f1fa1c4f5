"""How far a map can be trusted: measured on the network, not judged by eye.

The values that all maps of a picture and class share are measured once (`measure`), each map is
tested against them (`examine`), and `judge` sums it up in a word. `docs/trust.md` names the limits.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from cifar_core.explain.spec import Explainable, SaliencySpec
from cifar_core.explain.trust import completeness as totals
from cifar_core.explain.trust import curves as orders
from cifar_core.explain.trust import patches
from cifar_core.explain.trust.rivals import RIVALS
from cifar_core.explain.trust.verdict import Evidence, Label, MapScores, Verdict, judge
from cifar_core.settings import Settings

MEASURE_PASSES = patches.PASSES + len(RIVALS) * orders.PASSES
EXAMINE_PASSES = orders.PASSES  # and 1 + pictures of the baseline, where there is one


@dataclass(frozen=True, kw_only=True)
class Yardstick:
    """The measurements with which all maps of one picture and class are compared."""

    falls: Tensor  # [substrates, P], of the class's logit when a patch is hidden
    rivals: Mapping[str, MapScores]


def measure(classifier: Explainable, image: Tensor, target: int) -> Yardstick:
    """Hide patches of an image [1, 3, H, W] in [0, 1] and test maps that ignore the network."""
    fallen = patches.falls(classifier, image, target)
    return Yardstick(
        falls=fallen,
        rivals={
            key: result(classifier, image, target, draw(image), fallen)
            for key, draw in RIVALS.items()
        },
    )


def examine(
    classifier: Explainable,
    image: Tensor,
    target: int,
    map_: Tensor,
    yardstick: Yardstick,
    spec: SaliencySpec,
    settings: Settings | None = None,
) -> Evidence:
    """Test a method's map [H, W] of the image for the class, on the CPU."""
    complete = spec.baseline and totals.completeness(
        classifier, image, target, map_, spec.baseline(settings or spec.settings())
    )
    return Evidence(
        own=result(classifier, image, target, map_, yardstick.falls),
        chance=patches.chance(map_, yardstick.falls),
        rivals=yardstick.rivals,
        completeness=complete,
    )


def result(
    classifier: Explainable, image: Tensor, target: int, map_: Tensor, fallen: Tensor
) -> MapScores:
    """Return a map's results in both tests."""
    return MapScores(
        curves=orders.curves(classifier, image, target, map_),
        agreement=float(patches.agreement(map_[None], fallen)),
    )


__all__ = [
    "EXAMINE_PASSES",
    "MEASURE_PASSES",
    "Evidence",
    "Label",
    "Verdict",
    "Yardstick",
    "examine",
    "judge",
    "measure",
]
