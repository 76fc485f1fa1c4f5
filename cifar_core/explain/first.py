"""Which method is shown first, when no one has asked for a particular one."""

from collections.abc import Callable, Mapping

from cifar_core.explain import SALIENCY
from cifar_core.explain.spec import SaliencySpec
from cifar_core.explain.trust.verdict import SIMILAR

# Regions can be read at a glance, single pixels cannot; within each kind, the methods whose maps of
# natural pictures were supported most often come first (docs/trust.md).
ORDER = ("occlusion", "hires_cam", "deep_lift", "integrated_gradients", "gradient")


def first_method(
    refusal: Callable[[SaliencySpec], str],
    similarities: Mapping[str, float],
    *,
    seconds: float,
    most: float,
) -> SaliencySpec:
    """Return the first method of ORDER that suits a network, passes the sanity check and is quick.

    `refusal` says why a method does not suit the network, empty if it does; it is asked only of
    the methods that are considered. `similarities` are the results of the sanity checks that were
    made of this network, by method: one that draws much the same for a random network has failed.
    `seconds` is the time of a forward pass, and `most` that of a map that is still quick. If no
    method is quick, the cheapest one is returned, and if all have failed, a quick one that suits.
    """
    known = [SALIENCY[key] for key in ORDER]
    passing = [spec for spec in known if similarities.get(spec.key, 0.0) <= SIMILAR]
    for offered in (passing, known):
        quick = (spec for spec in offered if spec.cost(spec.settings()) * seconds <= most)
        cheapest = sorted(offered, key=lambda spec: spec.cost(spec.settings()))
        for spec in (*quick, *cheapest):
            if not refusal(spec):
                return spec
    return SALIENCY["gradient"]  # suits every network
