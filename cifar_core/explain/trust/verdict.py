"""One word for the trust in a map, and the sentence with the numbers behind it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from cifar_core.explain.trust.completeness import Completeness
from cifar_core.explain.trust.curves import ErasingCurves
from cifar_core.explain.trust.rivals import TITLES

MARGIN = 0.05  # by which the gap must exceed every rival's: their own standard error was 0.03
LEVEL = 0.05  # of the moved copies that may agree as well
COMPLETE = 0.1  # relative error of the total above which the values mean nothing
SIMILAR = 0.5  # to the map of a random network, above which it shows the picture


class Label(StrEnum):
    """How far a map can be trusted."""

    SUPPORTED = "supported"
    WEAK = "weak"
    NO_BETTER = "no better than an edge detector"


@dataclass(frozen=True, kw_only=True)
class MapScores:
    """How a map did in both tests."""

    curves: ErasingCurves
    agreement: float  # rank correlation of its patches with the network's, -1 to 1


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """The test results of one map, and those of the maps that ignore the network."""

    own: MapScores
    chance: float  # p of the agreement among moved copies of the map
    rivals: Mapping[str, MapScores]  # by key of RIVALS
    completeness: Completeness | None = None  # where the map claims to add up


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The conclusion from the evidence."""

    label: Label
    sentence: str


def judge(evidence: Evidence, similarity: float | None = None) -> Verdict:
    """Judge the evidence; `similarity` is the result of the method's sanity check, if there is one.

    There are two tests. Curves: the gap exceeds that of every rival by `MARGIN`. Patches: the
    agreement exceeds that of every rival, and at most `LEVEL` of the moved copies reach it. Both
    passed is supported, one weak, none no better than an edge detector; the rivals themselves
    can pass neither. A map that passes both is only weak if its total is wrong by more than
    `COMPLETE` or if its method draws similar maps for a random network (`SIMILAR`).
    """
    by_curves, by_patches = passes_curves(evidence), passes_patches(evidence)
    doubts = [] if by_curves and by_patches else [missing(by_curves, by_patches)]
    if evidence.completeness and evidence.completeness.error > COMPLETE:
        doubts.append(
            f"its total misses the rise of the score by {evidence.completeness.error:.0%}"
        )
    if similarity is not None and similarity > SIMILAR:
        doubts.append(f"the method draws much the same for a random network ({similarity:.2f})")
    label = Label.SUPPORTED
    if doubts:
        label = Label.WEAK if by_curves or by_patches else Label.NO_BETTER
    lead = "; ".join(doubts) or "both tests support it"
    return Verdict(label=label, sentence=f"{lead[0].upper()}{lead[1:]}. {figures(evidence)}")


def passes_curves(evidence: Evidence) -> bool:
    """Return True if the map's curves beat those of every rival."""
    return evidence.own.curves.gap >= gap_of_best(evidence)[1] + MARGIN


def passes_patches(evidence: Evidence) -> bool:
    """Return True if the map's patches agree with the network more than by chance and any rival."""
    best = max(rival.agreement for rival in evidence.rivals.values())
    return evidence.chance <= LEVEL and evidence.own.agreement > best


def missing(by_curves: bool, by_patches: bool) -> str:
    """Return which test failed, in words."""
    if by_curves:
        return "only the curves support it"
    if by_patches:
        return "only the patches support it"
    return "neither test distinguishes it from maps that ignore the network"


def gap_of_best(evidence: Evidence) -> tuple[str, float]:
    """Return the rival with the widest gap, and the gap."""
    best = max(evidence.rivals, key=lambda key: evidence.rivals[key].curves.gap)
    return best, evidence.rivals[best].curves.gap


def figures(evidence: Evidence) -> str:
    """Return the results of the tests in a sentence."""
    best, gap = gap_of_best(evidence)
    return (
        f"Insertion minus deletion is {evidence.own.curves.gap:+.2f}, against {gap:+.2f} for the "
        f"best map that ignores the network ({TITLES[best]}); patches agree with the network at "
        f"{evidence.own.agreement:+.2f} (p = {evidence.chance:.3f})."
    )
