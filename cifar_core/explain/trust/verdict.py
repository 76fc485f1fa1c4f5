"""One word for the trust in a map, and the sentences with the numbers behind it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from cifar_core.explain.trust.agreement import COPIES, Agreement
from cifar_core.explain.trust.completeness import Completeness
from cifar_core.explain.trust.rivals import TITLES
from cifar_core.numbers import percent

SOFTLY, GRAY = "softly", "with gray"  # ways to hide: blurred and filled in, averaged; medium gray
STAKE = 0.1  # probability that the picture must add, so that there is something to explain
CLOSE = 0.1  # a rival's distance within which it says much the same
COMPLETE = 0.1  # relative error of the total above which the values mean nothing
SIMILAR = 0.5  # to the map of a random network, above which it shows the picture
RIGHT_OR_NOT = "It shows what the network uses, not that using it is right."


class Label(StrEnum):
    """How far a map can be trusted."""

    SUPPORTED = "supported"
    WEAK = "weak"
    NO_BETTER = "no better than an edge detector"
    UNTESTABLE = "cannot be tested here"


@dataclass(frozen=True, kw_only=True)
class Level:
    """The agreement that a label asks for, under one way to hide."""

    agreement: float
    lead: float  # over the best rival
    chance: float  # share of the moved copies that may agree as well
    beyond: float  # the same, once what the rivals explain is taken out

    def reached(self, found: Agreement) -> bool:
        """Return True if an agreement is enough."""
        return (
            found.chance <= self.chance
            and found.beyond <= self.beyond
            and found.value >= max(self.agreement, found.best + self.lead)
        )


SUPPORTED = Level(agreement=0.5, lead=0.0, chance=0.02, beyond=0.025)
# So clear that it does not matter whether a color or edge detector happens to say the same.
CLEAR = Level(agreement=0.85, lead=-2.0, chance=0.03, beyond=1.0)
WEAK = Level(agreement=0.3, lead=-0.1, chance=0.05, beyond=0.1)
LEVELS = ((Label.SUPPORTED, CLEAR), (Label.SUPPORTED, SUPPORTED), (Label.WEAK, WEAK))


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """The test results of one map."""

    ways: Mapping[str, Agreement]  # by way to hide
    whole: float  # probability of the class for the picture
    nothing: float  # the higher of those for its blurred copy and for gray
    completeness: Completeness | None = None  # where the map claims to add up


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The conclusion from the evidence."""

    label: Label
    sentence: str


def judge(evidence: Evidence, similarity: float | None = None) -> Verdict:
    """Judge the evidence; `similarity` is the result of the method's sanity check, if there is one.

    One way to hide is enough, because a map answers for its own only; `LEVELS` says what it takes.
    A map can be tested only where the picture adds `STAKE` to the probability of the class. A
    supported map becomes weak if its total is wrong by more than `COMPLETE` or if its method draws
    similar maps for a random network (`SIMILAR`).
    """
    if evidence.whole - evidence.nothing < STAKE:
        return Verdict(label=Label.UNTESTABLE, sentence=no_stake(evidence))
    label, way = decided(evidence.ways)
    found, caveats = evidence.ways[way], doubts(evidence, similarity)
    figures = f"{numbers(found, way)} {' '.join(caveats)}".strip()
    if label == Label.SUPPORTED and caveats:
        lead = "Hiding squares supports this map, but there is a doubt about it."
        return Verdict(label=Label.WEAK, sentence=f"{lead} {figures}")
    return Verdict(label=label, sentence=f"{MEANINGS[label](found)} {figures}")


def decided(ways: Mapping[str, Agreement]) -> tuple[Label, str]:
    """Return the highest label that the map reaches, and the way to hide that it reaches it by.

    If it reaches none, this is the way under which it agrees best.
    """
    for label, level in LEVELS:
        for way, found in ways.items():
            if level.reached(found):
                return label, way
    return Label.NO_BETTER, max(ways, key=lambda way: ways[way].value)


def doubts(evidence: Evidence, similarity: float | None) -> list[str]:
    """Return what speaks against a map besides the squares, in sentences."""
    found = []
    if evidence.completeness and evidence.completeness.error > COMPLETE:
        found.append(
            f"Its total misses the rise of the score by {percent(evidence.completeness.error, 0)}."
        )
    if similarity is not None and similarity > SIMILAR:
        found.append(f"The method draws much the same for a random network ({similarity:.2f}).")
    return found


def no_stake(evidence: Evidence) -> str:
    """Say that too little depends on the picture."""
    return (
        f"The network gives this class {percent(evidence.whole, 0)} for the picture and "
        f"{percent(evidence.nothing, 0)} for a blurred or gray one: the answer depends too "
        "little on the picture for a map to be tested."
    )


def supports(found: Agreement) -> str:
    """Say what supports a map, and that the picture alone says the same where it does."""
    lead = "Where this map is high, hiding a square lowers the network's score for the class, more "
    lead += "than for nearly all moved copies of the map"
    if found.best <= found.value - CLOSE:
        words = f"{lead} and for edges, colors or the middle of the picture."
    else:
        words = (
            f"{lead}. But a map made without the network says much the same here "
            f"({TITLES[found.rival]}), so this picture cannot show which of them looked into it."
        )
    return f"{words} {RIGHT_OR_NOT}"


def falls_short(found: Agreement) -> str:
    """Say what a weak map lacks."""
    if found.value < found.best:
        lack = f"a map made without the network agrees better ({TITLES[found.rival]})"
    elif found.beyond > SUPPORTED.beyond:
        lack = "little is left of it once edges, colors and the middle of the picture are taken out"
    elif found.chance > SUPPORTED.chance:
        lack = "too many moved copies of it agree as well"
    else:
        lack = f"the agreement is below {SUPPORTED.agreement}"
    return f"The map agrees with the network more than most of its moved copies, but {lack}."


def no_better(found: Agreement) -> str:
    """Say that nothing speaks for a map."""
    return "Nothing distinguishes this map from one drawn without the network."


MEANINGS = {
    Label.SUPPORTED: supports,
    Label.WEAK: falls_short,
    Label.NO_BETTER: no_better,
}


def numbers(found: Agreement, way: str) -> str:
    """Return the results of the test in a sentence."""
    return (
        f"Agreement {found.value:+.2f} (hidden {way}); best map made without the network "
        f"{found.best:+.2f} ({TITLES[found.rival]}); {found.copies} of {COPIES} moved copies "
        "agree as well."
    )
