"""Reads a run's curves in words: what happened when, how sure that is, and what to try next."""

from collections.abc import Callable

from cifar_core.reading import doubts, generalization, pace, trouble
from cifar_core.reading.curves import Curves, until
from cifar_core.reading.facts import CurveFacts
from cifar_core.reading.finding_kinds import KINDS, PHASES, FindingKind
from cifar_core.reading.phases import phases
from cifar_core.reading.spec import (
    ACCURACY,
    LOSS,
    RATE,
    EpochSpan,
    Finding,
    Phase,
    Reading,
    Reason,
    Situation,
    Trial,
)

__all__ = [
    "ACCURACY",
    "KINDS",
    "LOSS",
    "PHASES",
    "RATE",
    "EpochSpan",
    "Finding",
    "FindingKind",
    "Phase",
    "Reading",
    "Reason",
    "Situation",
    "Trial",
    "read",
]

MOST = 8  # findings; the least important ones give way
FINDERS: tuple[Callable[[CurveFacts], Finding | None], ...] = (
    *(trouble.no_number, trouble.dead_start, trouble.divergence, trouble.spikes),
    *(
        generalization.overfitting,
        generalization.over_confidence,
        generalization.underfitting,
        generalization.gap,
        generalization.val_below_train,
    ),
    *(pace.fast_descent, pace.rate_end, pace.rate_too_low, pace.too_short, pace.stopped_early),
    pace.plateau,
)


def read(curves: Curves, situation: Situation) -> Reading:
    """Say what the curves of a run show so far; only the past counts, so it works live."""
    facts = CurveFacts(curves, situation)
    if not len(curves.step):
        return Reading(headline=NOTHING, findings=(), phases=(), final=situation.over)
    found = everything(facts) if situation.over else lasting(facts)
    order = list(KINDS)
    kept = sorted(found, key=lambda finding: order.index(finding.kind))[:MOST]
    return Reading(
        headline=headline(facts, kept),
        findings=tuple(sorted(kept, key=lambda finding: finding.span.start)),
        phases=phases(facts),
        final=situation.over,
    )


def everything(facts: CurveFacts) -> list[Finding]:
    """Return all that the curves show when they are taken as they are."""
    found = [finding for find in FINDERS if (finding := find(facts)) is not None]
    found += pace.rate_drops(facts)
    known = {finding.kind for finding in found}
    return found + doubts.cannot_tell(facts, quiet=not known & {"gap", "plateau", "overfitting"})


def lasting(facts: CurveFacts) -> list[Finding]:
    """Return what a growing run shows: what three of its last four epochs agreed on.

    So a sentence neither comes nor goes for one odd epoch. What cannot pass is said at once.
    """
    now = everything(facts)
    past = [
        everything(CurveFacts(until(facts.curves, epoch), facts.situation))
        for epoch in facts.curves.epoch[-LOOKS:-1][::-1]
    ]
    kept = [finding for finding in now if finding.kind in AT_ONCE]
    looks = [now, *past]
    for kind in KINDS:
        seen = [[f for f in look if f.kind == kind] for look in looks]
        if kind not in AT_ONCE and sum(map(bool, seen)) >= AGREE:
            kept += next(filter(None, seen))
    return kept


LOOKS, AGREE = 4, 3  # epochs looked back on, and how many of them must agree
AT_ONCE = ("no_number", "dead_start", "divergence", "fast_descent", "stopped_early",
           "cannot_tell")  # fmt: skip
NOTHING = "Nothing has been measured yet."
OPENINGS = {  # kind -> the first words of the headline
    "no_number": "The loss stopped being a number",
    "dead_start": "It has not begun to learn",
    "divergence": "The training loss ran away",
    "gap": "It learns the training images by heart, and gains less on others",
    "overfitting": "It overfits from epoch {start:.0f} on",
    "rate_too_low": "It learns, but slowly: the rate looks too low",
    "underfitting": "It underfits: training has come to rest at a low accuracy",
    "too_short": "It was too short: validation was still getting better",
    "spikes": "The loss is noisy: the rate is high",
    "plateau": "It has levelled off",
}


def headline(facts: CurveFacts, findings: list[Finding]) -> str:
    """Put what matters most into one sentence, with the best result so far."""
    first = next((f for f in findings if f.kind in OPENINGS and opens(f, facts)), None)
    opening = OPENINGS[first.kind].format(start=first.span.start) if first else calm(facts)
    best = facts.curves.best
    if best is None:
        return f"{opening}."
    share, epoch = facts.curves.val_accuracy[best], facts.curves.epoch[best]
    so_far = "" if facts.situation.over else " so far"
    return f"{opening}; the best validation accuracy{so_far} is {share:.1%}, at epoch {epoch:.0f}."


def opens(finding: Finding, facts: CurveFacts) -> bool:
    """Tell whether a finding speaks of where the run stands, not of something long past."""
    return finding.kind not in ("plateau", "spikes") or finding.span.end >= facts.count


def calm(facts: CurveFacts) -> str:
    """Say that nothing is wrong, as far as can be seen."""
    if facts.count < doubts.ENOUGH:
        return f"After {facts.done:.2g} epochs it is too early to say much"
    return "Nothing went wrong" if facts.situation.over else "Nothing wrong so far"
