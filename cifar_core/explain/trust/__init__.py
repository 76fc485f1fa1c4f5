"""How far a map can be trusted: measured on the network, not judged by eye.

The values that all maps of a picture and class share are measured once (`measure`), each map is
tested against them (`examine`), and `judge` sums it up in a word. `docs/trust.md` names the limits.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain

import torch
from torch import Tensor

from cifar_core.explain.baselines import blurred, gray
from cifar_core.explain.spec import Explainable, SaliencySpec
from cifar_core.explain.trust import completeness as totals
from cifar_core.explain.trust.agreement import compare
from cifar_core.explain.trust.hiding import hidden, logits
from cifar_core.explain.trust.rivals import RIVALS
from cifar_core.explain.trust.squares import COUNT, filled, squares, sums
from cifar_core.explain.trust.verdict import GRAY, SOFTLY, Evidence, Label, Verdict, judge
from cifar_core.settings import Settings

# For all maps of a picture and class; a map that claims to add up takes 1 + pictures of its
# baseline more.
PASSES = 3 + 3 * COUNT


@dataclass(frozen=True, kw_only=True)
class Yardstick:
    """The measurements with which all maps of one picture and class are compared."""

    falls: Mapping[str, Tensor]  # by way to hide, of the class's log-odds; [P]
    rivals: Mapping[str, Tensor]  # sums in the squares of the maps that ignore the network; [P]
    whole: float  # probability of the class for the picture
    nothing: float  # the higher of those for its blurred copy and for gray


def measure(classifier: Explainable, image: Tensor, target: int) -> Yardstick:
    """Hide each square of an image [1, 3, H, W] in [0, 1] in three ways; `PASSES` passes."""
    masks, blur, plain = squares(*image.shape[2:]), blurred(image), gray(image)
    covered = (hidden(image, cover, masks[:, None]) for cover in (blur, plain))
    copies = chain((image, blur, plain), *covered, filled(image, masks))
    found = logits(classifier, copies)
    chances, odds = found.softmax(dim=1)[:, target], log_odds(found.double(), target)
    by_blur, by_gray, by_border = (odds[0] - odds[3:]).view(3, -1)
    return Yardstick(
        falls={SOFTLY: (by_blur + by_border) / 2, GRAY: by_gray},
        rivals={key: sums(draw(image)[None])[0] for key, draw in RIVALS.items()},
        whole=float(chances[0]),
        nothing=float(chances[1:3].max()),
    )


def log_odds(found: Tensor, target: int) -> Tensor:
    """Return the log-odds [N] of a class against all others, from logits [N, K]."""
    others = found.clone()
    others[:, target] = -torch.inf
    return found[:, target] - others.logsumexp(dim=1)


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
        ways=compare(map_, yardstick.falls, yardstick.rivals),
        whole=yardstick.whole,
        nothing=yardstick.nothing,
        completeness=complete,
    )


__all__ = [
    "PASSES",
    "Evidence",
    "Label",
    "Verdict",
    "Yardstick",
    "examine",
    "judge",
    "measure",
]
